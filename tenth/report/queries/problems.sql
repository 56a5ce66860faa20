-- The latest spans that failed and log records of errors, and what they say.
SELECT epoch_ns("time") / 1e6 AS time_ms, service, what, left(message, 500) AS "text", trace_id,
    count(*) OVER () AS total
FROM (
    SELECT end_time AS "time", service_name AS service, name AS what, trace_id,
        CASE WHEN status_message != '' THEN status_message ELSE coalesce(list_transform(
            list_filter(events, lambda e: e.name = 'exception'),
            lambda e: e.attributes['exception.message']::VARCHAR
        )[1], '') END AS message
    FROM spans WHERE status_code = 'error'
    UNION ALL
    SELECT "time", service_name, 'log: ' || severity, trace_id, coalesce(body::VARCHAR, event_name)
    FROM logs WHERE severity_number >= 17
)
ORDER BY "time" DESC, service, what
LIMIT $limit
