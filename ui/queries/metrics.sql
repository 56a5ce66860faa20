-- Metrics by name.
SELECT metric AS name, "type", unit, temporality, monotonic, service_name AS service,
    description, points, epoch_ns(first_time) / 1e6 AS first_time_ms,
    epoch_ns(last_time) / 1e6 AS last_time_ms
FROM metrics
WHERE {filters}
ORDER BY name, service, "type", unit
