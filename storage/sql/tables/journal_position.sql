-- How far the journal has been archived: up to so many items of the record that begins there. Each
-- transaction adds one row with its own end, so that rows and position become durable together; the
-- greatest one counts. Rows are added and never updated, because DuckDB cannot checkpoint an update
-- while somebody reads.
CREATE TABLE journal_position (
    segment BIGINT NOT NULL, "offset" BIGINT NOT NULL, items BIGINT NOT NULL
);
