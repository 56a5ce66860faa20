-- Operations, the busiest first.
SELECT service_name AS service, name, kind, count(*) AS spans,
    count(*) FILTER (status_code = 'error') AS errors,
    approx_quantile(duration_ns, 0.50) / 1e6 AS p50_ms,
    approx_quantile(duration_ns, 0.95) / 1e6 AS p95_ms,
    approx_quantile(duration_ns, 0.99) / 1e6 AS p99_ms,
    max(duration_ns) / 1e6 AS max_ms,
    count(*) OVER () AS total
FROM spans
GROUP BY service_name, name, kind
ORDER BY spans DESC, service, name, kind
LIMIT $limit
