-- Operations: spans by service, name and kind, with their rate of errors and durations.
CREATE OR REPLACE VIEW operations AS
SELECT service_name, name, kind, count(*) AS spans,
    count(*) FILTER (status_code = 'error') AS errors,
    CAST(avg(duration_ns) AS BIGINT) AS mean_duration_ns,
    CAST(approx_quantile(duration_ns, 0.50) AS BIGINT) AS p50_duration_ns,
    CAST(approx_quantile(duration_ns, 0.95) AS BIGINT) AS p95_duration_ns,
    CAST(approx_quantile(duration_ns, 0.99) AS BIGINT) AS p99_duration_ns,
    max(duration_ns) AS max_duration_ns, max(start_time) AS last_time
FROM span_rows
GROUP BY service_name, name, kind;
