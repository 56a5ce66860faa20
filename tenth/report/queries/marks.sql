-- The latest marks.
SELECT epoch_ns("time") / 1e6 AS time_ms, CAST(epoch_ns("time") AS VARCHAR) AS time_unix_nano,
    left("text", 500) AS "text", service_name, count(*) OVER () AS total
FROM marks
ORDER BY "time" DESC, service_name, "text"
LIMIT $limit
