-- Rollups as transactions bring them: a window that data reached in two transactions has two
-- rows, and the view `rollups` merges them. Nothing is updated, so a commit costs an append.
CREATE TABLE rollup_rows (
    series_id UBIGINT NOT NULL,
    "time" TIMESTAMP_NS NOT NULL,
    resolution_ms INTEGER NOT NULL,
    "count" UBIGINT,
    "sum" DOUBLE,
    "min" DOUBLE,
    "max" DOUBLE,
    first_time TIMESTAMP_NS,
    "first" DOUBLE,
    last_time TIMESTAMP_NS,
    "last" DOUBLE,
    increase DOUBLE,
    errors UBIGINT,
    histogram STRUCT(scale TINYINT, bounds DOUBLE[], indexes BIGINT[], counts UBIGINT[])
);
