-- The traces whose roots took longest. All traces grouped by their id would be most of the archive.
WITH roots AS (
    SELECT trace_id, service_name, name, start_time, duration_ns, count(*) OVER () AS total
    FROM spans
    WHERE parent_span_id IS NULL AND trace_id IS NOT NULL
    ORDER BY duration_ns DESC, trace_id
    LIMIT $limit
)
SELECT r.trace_id, any_value(r.service_name) AS service, any_value(r.name) AS name,
    any_value(epoch_ns(r.start_time)) / 1e6 AS start_ms,
    any_value(r.duration_ns) / 1e6 AS duration_ms, count(*) AS spans,
    count(*) FILTER (s.status_code = 'error') AS errors, any_value(r.total) AS total
FROM roots r JOIN spans s ON s.trace_id = r.trace_id
GROUP BY r.trace_id
ORDER BY duration_ms DESC, r.trace_id
