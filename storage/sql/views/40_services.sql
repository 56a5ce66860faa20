-- Services, what they sent, and when they were last heard of.
CREATE OR REPLACE VIEW services AS
SELECT service_name,
    CAST(sum(spans) AS UBIGINT) AS spans, CAST(sum(errors) AS UBIGINT) AS errors,
    CAST(sum(logs) AS UBIGINT) AS logs, CAST(sum(metric_points) AS UBIGINT) AS metric_points,
    min(first_time) AS first_time, max(last_time) AS last_time
FROM (
    SELECT service_name, count(*) AS spans, count(*) FILTER (status_code = 'error') AS errors,
        0 AS logs, 0 AS metric_points, min(start_time) AS first_time, max(start_time) AS last_time
    FROM span_rows GROUP BY service_name
    UNION ALL
    SELECT service_name, 0, 0, count(*), 0, min("time"), max("time")
    FROM log_rows GROUP BY service_name
    UNION ALL
    SELECT service_name, 0, 0, 0, count(*), min("time"), max("time")
    FROM metric_point_rows GROUP BY service_name
)
GROUP BY service_name;
