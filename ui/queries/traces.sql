-- The newest traces that have a span which passes all filters, or those with the longest such span. The view `traces` would group all
-- spans there are first.
WITH found AS (
    SELECT trace_id, max({ranked_by}) AS rank
    FROM spans
    WHERE trace_id IS NOT NULL AND {filters}
    GROUP BY trace_id
    ORDER BY rank DESC, trace_id
    LIMIT $limit
)
SELECT trace_id,
    arg_min(service_name, (parent_span_id IS NOT NULL, start_time)) AS root_service,
    arg_min(name, (parent_span_id IS NOT NULL, start_time)) AS root_name,
    bool_or(parent_span_id IS NULL) AS has_root,
    epoch_ns(min(start_time)) / 1e6 AS start_time_ms,
    (max(epoch_ns(start_time) + duration_ns) - epoch_ns(min(start_time))) / 1e6 AS duration_ms,
    count(*) AS spans, count(*) FILTER (status_code = 'error') AS errors,
    list_sort(list_distinct(list(service_name))) AS services
FROM spans
WHERE trace_id IN (SELECT trace_id FROM found)
GROUP BY trace_id
ORDER BY {ordered_by} DESC, trace_id
