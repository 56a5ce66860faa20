-- The histograms of `rollups` as one row per bucket, which GROUP BY can add up over any range.
-- Lists are unnested as they stand: a list of structs made of them first takes ten times as long.
CREATE OR REPLACE VIEW rollup_buckets AS
SELECT "time", resolution_ms, signal, service_name, name, kind, unit, temporality, attributes,
    series_id,
    histogram_limit(scale, bounds, bucket_key, 0) AS lower,
    histogram_limit(scale, bounds, bucket_key, 1) AS upper,
    bucket_count AS "count"
FROM (
    SELECT "time", resolution_ms, signal, service_name, name, kind, unit, temporality, attributes,
        series_id, histogram.scale AS scale, histogram.bounds AS bounds,
        unnest(histogram.indexes) AS bucket_key, unnest(histogram.counts) AS bucket_count
    FROM rollups
);
