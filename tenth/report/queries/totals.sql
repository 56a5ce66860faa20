-- How much there is in all.
SELECT
    (SELECT count(*) FROM spans) AS spans,
    (SELECT count(*) FROM spans WHERE status_code = 'error') AS errors,
    (SELECT count(*) FROM logs) AS logs,
    (SELECT count(*) FROM metric_points) AS metric_points
