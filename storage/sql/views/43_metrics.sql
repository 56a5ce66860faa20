-- Metrics by service: what they are, and how much has come of them.
CREATE OR REPLACE VIEW metrics AS
SELECT metric, "type", unit, temporality, monotonic, service_name,
    arg_max(description, "time") AS description, count(*) AS points,
    min("time") AS first_time, max("time") AS last_time
FROM metric_point_rows
GROUP BY metric, "type", unit, temporality, monotonic, service_name;
