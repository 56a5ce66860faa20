-- All log records. `time` is the observed time where the sender knew no other.
CREATE TABLE log_rows (
    "time" TIMESTAMP_NS NOT NULL,
    observed_time TIMESTAMP_NS,
    severity_number INTEGER NOT NULL,
    severity VARCHAR NOT NULL,
    severity_text VARCHAR NOT NULL,
    event_name VARCHAR NOT NULL,
    trace_id VARCHAR,
    span_id VARCHAR,
    flags UINTEGER NOT NULL,
    dropped_attributes_count UINTEGER NOT NULL,
    service_name VARCHAR NOT NULL,
    scope_name VARCHAR NOT NULL,
    scope_version VARCHAR NOT NULL,
    origin_id VARCHAR NOT NULL,
    attributes VARIANT NOT NULL,
    body VARIANT
);
