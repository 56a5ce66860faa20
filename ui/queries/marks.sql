-- The newest marks that pass all filters.
SELECT epoch_ns("time") AS time_ns, text, service_name, attributes, trace_id
FROM marks
WHERE {filters}
ORDER BY "time" DESC
LIMIT $limit
