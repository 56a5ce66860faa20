-- The newest marks that pass all filters. Any sender can set one, and all live clients get the newest
-- 200: attributes that are large are left out.
SELECT epoch_ns("time") AS time_ns, text, service_name,
    CASE WHEN length(attributes::VARCHAR) <= 16384 THEN attributes END AS attributes, trace_id
FROM marks
WHERE {filters}
ORDER BY "time" DESC
LIMIT $limit
