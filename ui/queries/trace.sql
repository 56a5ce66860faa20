-- All spans of a trace. Times are Unix nanoseconds, since OTLP wants them exact.
SELECT span_id, parent_span_id, trace_state, name, kind, epoch_ns(start_time) AS start_ns,
    duration_ns, status_code, status_message, flags,
    dropped_attributes_count, dropped_events_count, dropped_links_count, attributes,
    list_transform(events, lambda e: {
        'time_ns': epoch_ns(e."time"), 'name': e.name, 'attributes': e.attributes,
        'dropped_attributes_count': e.dropped_attributes_count
    }) AS events,
    links, service_name, origin_id
FROM spans
WHERE trace_id = $trace_id
ORDER BY start_time, span_id
