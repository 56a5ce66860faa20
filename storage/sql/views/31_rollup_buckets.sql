-- The histograms of `rollups` as one row per bucket, which GROUP BY can add up over any range.
CREATE OR REPLACE VIEW rollup_buckets AS
SELECT * EXCLUDE (bucket), bucket.lower AS lower, bucket.upper AS upper, bucket."count" AS "count"
FROM (
    SELECT "time", resolution_ms, signal, service_name, name, kind, unit, temporality, attributes,
        series_id, unnest(histogram_buckets(histogram)) AS bucket
    FROM rollups
);
