-- Services of the map. What they were asked: spans of servers and consumers.
SELECT service_name AS service, count(*) AS spans,
    count(*) FILTER (status_code = 'error') AS errors,
    count(*) FILTER (kind IN ('server', 'consumer')) AS requests,
    count(*) FILTER (kind IN ('server', 'consumer') AND status_code = 'error') AS failed_requests,
    approx_quantile(duration_ns, 0.95) FILTER (kind IN ('server', 'consumer')) / 1e6 AS p95_ms
FROM spans
WHERE start_time >= make_timestamp_ns($from_ns) AND start_time < make_timestamp_ns($to_ns)
GROUP BY service
ORDER BY service
