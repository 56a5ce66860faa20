-- Spans with their resource and scope. Filters on one attribute stay column reads through this view.
CREATE OR REPLACE VIEW spans AS
SELECT
    r.trace_id, r.span_id, r.parent_span_id, r.trace_state, r.name, r.kind,
    r.start_time,
    make_timestamp_ns(epoch_ns(r.start_time) + r.duration_ns) AS end_time,
    r.duration_ns, r.status_code, r.status_message, r.service_name, r.scope_name, r.scope_version,
    r.attributes, o.resource, r.events, r.links, r.flags,
    r.dropped_attributes_count, r.dropped_events_count, r.dropped_links_count,
    o.service_namespace, o.service_instance_id, o.service_version,
    o.resource_schema_url, o.resource_dropped_attributes_count, o.entity_refs,
    o.scope_attributes, o.scope_schema_url, o.scope_dropped_attributes_count, r.origin_id
FROM span_rows r LEFT JOIN origins o ON r.origin_id = o.origin_id;
