-- Log records with their resource and scope.
CREATE OR REPLACE VIEW logs AS
SELECT
    r."time", r.observed_time, r.severity_number, r.severity, r.severity_text, r.body,
    r.event_name, r.trace_id, r.span_id, r.service_name, r.scope_name, r.scope_version,
    r.attributes, o.resource, r.flags, r.dropped_attributes_count,
    o.service_namespace, o.service_instance_id, o.service_version,
    o.resource_schema_url, o.resource_dropped_attributes_count, o.entity_refs,
    o.scope_attributes, o.scope_schema_url, o.scope_dropped_attributes_count, r.origin_id
FROM log_rows r LEFT JOIN origins o ON r.origin_id = o.origin_id;
