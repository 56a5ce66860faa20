-- Spans of one file by operation, slice of the range and bucket of their duration. Of a service, the
-- operation that has no name, all spans count. Buckets are those of storage/histogram.py.
WITH cells AS (
    SELECT service_name, name, kind,
        least(CAST(floor((epoch_ns(end_time) - $from_ns) / $slice_ns) AS INTEGER), $slices - 1)
            AS slice,
        CASE WHEN duration_ns = 0 THEN 0 ELSE CAST(sign(duration_ns) AS BIGINT)
            * (CAST(ceil(log2(abs(duration_ns)) * $per_octave) AS BIGINT) - 1 + $bias)
        END AS bucket_key,
        count(*) AS calls, count(*) FILTER (status_code = 'error') AS errors
    FROM read_parquet($path)
    WHERE service_name != $own
    GROUP BY ALL
)
SELECT o.number, c.slice, c.bucket_key, c.calls, c.errors
FROM cells c JOIN operations o USING (service_name, name, kind)
UNION ALL
SELECT o.number, c.slice, c.bucket_key, sum(c.calls), sum(c.errors)
FROM cells c JOIN operations o ON c.service_name = o.service_name AND o.name IS NULL
GROUP BY ALL
