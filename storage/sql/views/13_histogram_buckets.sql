-- A histogram of `rollups` as a list of {lower, upper, count}.
CREATE OR REPLACE MACRO histogram_buckets(histogram) AS
    list_transform(list_zip(histogram.indexes, histogram.counts), lambda cell: {
        'lower': histogram_limit(histogram.scale, histogram.bounds, cell[1], 0),
        'upper': histogram_limit(histogram.scale, histogram.bounds, cell[1], 1),
        'count': cell[2]
    });
