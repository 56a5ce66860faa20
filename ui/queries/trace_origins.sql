-- The resources and scopes of a trace's spans.
SELECT origin_id, service_name, resource, resource_schema_url,
    resource_dropped_attributes_count, entity_refs, scope_name, scope_version, scope_attributes,
    scope_schema_url, scope_dropped_attributes_count
FROM origins
WHERE origin_id IN (SELECT origin_id FROM spans WHERE trace_id = $trace_id)
ORDER BY origin_id
