-- Operations, the busiest first.
SELECT service_name AS service, name, kind, spans, errors,
    mean_duration_ns / 1e6 AS mean_ms, p50_duration_ns / 1e6 AS p50_ms,
    p95_duration_ns / 1e6 AS p95_ms, p99_duration_ns / 1e6 AS p99_ms,
    max_duration_ns / 1e6 AS max_ms, epoch_ns(last_time) / 1e6 AS last_time_ms
FROM operations
WHERE {filters}
ORDER BY spans DESC, service, name, kind
