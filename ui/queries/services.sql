-- Services and what they sent.
SELECT service_name AS service, spans, errors, logs, metric_points,
    epoch_ns(first_time) / 1e6 AS first_time_ms, epoch_ns(last_time) / 1e6 AS last_time_ms
FROM services
ORDER BY service
