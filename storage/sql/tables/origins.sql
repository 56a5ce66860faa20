-- Where telemetry comes from: one row per (resource, scope) with their schema URLs, which would
-- otherwise repeat in every row of every signal. `origin_id` is a hash of the bytes they came as.
-- It is text, because DuckDB keeps repeating text in less space than repeating 64-bit numbers.
-- There is no index: the single writer looks before it adds, and joins read this small table whole.
CREATE TABLE origins (
    origin_id VARCHAR NOT NULL,
    service_name VARCHAR NOT NULL,
    service_namespace VARCHAR NOT NULL,
    service_instance_id VARCHAR NOT NULL,
    service_version VARCHAR NOT NULL,
    resource VARIANT NOT NULL,
    resource_schema_url VARCHAR NOT NULL,
    resource_dropped_attributes_count UINTEGER NOT NULL,
    entity_refs STRUCT(
        schema_url VARCHAR, "type" VARCHAR, id_keys VARCHAR[], description_keys VARCHAR[]
    )[] NOT NULL,
    scope_name VARCHAR NOT NULL,
    scope_version VARCHAR NOT NULL,
    scope_attributes VARIANT NOT NULL,
    scope_schema_url VARCHAR NOT NULL,
    scope_dropped_attributes_count UINTEGER NOT NULL
);
