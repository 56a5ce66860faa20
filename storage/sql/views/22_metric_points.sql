-- Data points with their resource and scope. Bit 0 of OTLP's flags says that a series has ended here.
CREATE OR REPLACE VIEW metric_points AS
SELECT
    r."time", r.start_time, r.metric, r."type", r.unit, r.temporality, r.monotonic,
    r."value", r.value_int, r."count", r."sum", r."min", r."max",
    r.explicit_bounds, r.bucket_counts, r.scale, r.zero_count, r.zero_threshold,
    r.positive_offset, r.positive_bucket_counts, r.negative_offset, r.negative_bucket_counts,
    r.quantile_values, r.exemplars, r.service_name, r.scope_name, r.scope_version,
    r.attributes, o.resource, r.description, r.metadata, r.flags,
    (r.flags & 1) = 1 AS no_recorded_value,
    o.service_namespace, o.service_instance_id, o.service_version,
    o.resource_schema_url, o.resource_dropped_attributes_count, o.entity_refs,
    o.scope_attributes, o.scope_schema_url, o.scope_dropped_attributes_count, r.origin_id
FROM metric_point_rows r LEFT JOIN origins o ON r.origin_id = o.origin_id;
