-- Marks: log records with the event name `tenth.mark`, once more. They outlive other log records, for
-- they explain rollups that are kept longer, and charts find them without reading logs.
CREATE TABLE mark_rows (
    "time" TIMESTAMP_NS NOT NULL,
    text VARCHAR NOT NULL,
    service_name VARCHAR NOT NULL,
    trace_id VARCHAR,
    span_id VARCHAR,
    origin_id VARCHAR NOT NULL,
    attributes VARIANT NOT NULL
);
