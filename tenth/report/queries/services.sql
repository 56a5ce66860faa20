-- Services, the busiest first.
SELECT service_name AS service, coalesce(s.spans, 0) AS spans, coalesce(s.errors, 0) AS errors,
    s.p50_ms, s.p95_ms, s.p99_ms, s.max_ms, coalesce(l.logs, 0) AS logs,
    count(*) OVER () AS total
FROM (
    SELECT service_name, count(*) AS spans, count(*) FILTER (status_code = 'error') AS errors,
        approx_quantile(duration_ns, 0.50) / 1e6 AS p50_ms,
        approx_quantile(duration_ns, 0.95) / 1e6 AS p95_ms,
        approx_quantile(duration_ns, 0.99) / 1e6 AS p99_ms,
        max(duration_ns) / 1e6 AS max_ms
    FROM spans GROUP BY service_name
) s FULL JOIN (
    SELECT service_name, count(*) AS logs FROM logs GROUP BY service_name
) l USING (service_name)
ORDER BY spans DESC, service
LIMIT $limit
