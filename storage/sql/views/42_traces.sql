-- Traces, as far as their spans have come. The root is the span without a parent, else the first.
CREATE OR REPLACE VIEW traces AS
SELECT trace_id,
    arg_min(service_name, (parent_span_id IS NOT NULL, start_time)) AS root_service_name,
    arg_min(name, (parent_span_id IS NOT NULL, start_time)) AS root_name,
    min(start_time) AS start_time,
    make_timestamp_ns(max(epoch_ns(start_time) + duration_ns)) AS end_time,
    max(epoch_ns(start_time) + duration_ns) - epoch_ns(min(start_time)) AS duration_ns,
    count(*) AS spans, count(*) FILTER (status_code = 'error') AS errors,
    list_sort(list_distinct(list(service_name))) AS services,
    bool_or(parent_span_id IS NULL) AS has_root
FROM span_rows
GROUP BY trace_id;
