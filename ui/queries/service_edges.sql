-- Calls between services: a span whose parent belongs to another service. A parent began before
-- its child, though the clocks of two machines may disagree.
SELECT parent.service_name AS caller, child.service_name AS callee, count(*) AS calls,
    count(*) FILTER (child.status_code = 'error') AS errors,
    approx_quantile(child.duration_ns, 0.5) / 1e6 AS p50_ms,
    approx_quantile(child.duration_ns, 0.95) / 1e6 AS p95_ms
FROM spans child JOIN spans parent
    ON child.trace_id = parent.trace_id AND child.parent_span_id = parent.span_id
WHERE child.service_name != parent.service_name
    AND child.start_time >= make_timestamp_ns($from_ns)
    AND child.start_time < make_timestamp_ns($to_ns)
    AND parent.start_time >= make_timestamp_ns($from_ns) - INTERVAL 10 MINUTE
    AND parent.start_time < make_timestamp_ns($to_ns) + INTERVAL 1 MINUTE
GROUP BY caller, callee
ORDER BY calls DESC, caller, callee
