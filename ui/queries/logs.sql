-- The newest records that pass all filters. All records of the last one's time are there, so that
-- the next page can begin before it.
WITH newest AS (
    SELECT "time" FROM logs WHERE {filters} ORDER BY "time" DESC LIMIT $limit
)
SELECT epoch_ns("time") AS time_ns, epoch_ns(observed_time) / 1e6 AS observed_time_ms,
    severity, severity_number, severity_text, body, event_name, trace_id, span_id,
    service_name AS service, scope_name AS scope, attributes
FROM logs
WHERE {filters} AND "time" >= (SELECT min("time") FROM newest)
ORDER BY "time" DESC, service, trace_id, span_id
