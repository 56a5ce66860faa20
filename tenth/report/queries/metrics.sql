-- Metrics of the programs that are watched, those with the most points first.
SELECT metric AS name, "type", any_value(unit) AS unit, any_value(description) AS description,
    bool_or(monotonic) AS monotonic, count(*) AS points, count(*) OVER () AS total
FROM metric_points
WHERE service_name != 'tenth'
GROUP BY metric, "type"
ORDER BY points DESC, name, "type"
LIMIT $limit
