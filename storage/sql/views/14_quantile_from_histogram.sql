-- A quantile, q from 0 to 1, of one histogram of `rollups`, in the unit of its series. Of many
-- rows, add the buckets up first: see the view `rollup_buckets`.
CREATE OR REPLACE MACRO quantile_from_histogram(histogram, q) AS
    quantile_from_buckets(histogram_buckets(histogram), q);
