-- All spans, in one table: DuckDB reads a single key of a VARIANT as a column only without UNION ALL.
-- Ids are the lower-case hex that OpenTelemetry's tools print. `end_time` is start plus duration, in the view.
CREATE TABLE span_rows (
    trace_id VARCHAR,
    span_id VARCHAR,
    parent_span_id VARCHAR,
    trace_state VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    start_time TIMESTAMP_NS NOT NULL,
    duration_ns BIGINT NOT NULL,
    status_code VARCHAR NOT NULL,
    status_message VARCHAR NOT NULL,
    flags UINTEGER NOT NULL,
    dropped_attributes_count UINTEGER NOT NULL,
    dropped_events_count UINTEGER NOT NULL,
    dropped_links_count UINTEGER NOT NULL,
    service_name VARCHAR NOT NULL,
    scope_name VARCHAR NOT NULL,
    scope_version VARCHAR NOT NULL,
    origin_id VARCHAR NOT NULL,
    attributes VARIANT NOT NULL,
    events STRUCT(
        "time" TIMESTAMP_NS, name VARCHAR, attributes VARIANT, dropped_attributes_count UINTEGER
    )[] NOT NULL,
    links STRUCT(
        trace_id VARCHAR, span_id VARCHAR, trace_state VARCHAR, attributes VARIANT,
        dropped_attributes_count UINTEGER, flags UINTEGER
    )[] NOT NULL
);
