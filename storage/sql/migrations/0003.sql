-- Version 3: marks in a table of their own.
CREATE TABLE mark_rows (
    "time" TIMESTAMP_NS NOT NULL,
    text VARCHAR NOT NULL,
    service_name VARCHAR NOT NULL,
    trace_id VARCHAR,
    span_id VARCHAR,
    origin_id VARCHAR NOT NULL,
    attributes VARIANT NOT NULL
);
INSERT INTO mark_rows BY NAME
SELECT
    "time", left(coalesce(body::VARCHAR, ''), 1000) AS text, service_name, trace_id, span_id,
    origin_id, attributes
FROM log_rows
WHERE event_name = 'tenth.mark';
