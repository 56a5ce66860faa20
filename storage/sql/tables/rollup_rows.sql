-- New rollups as transactions bring them: a window that data reached in two transactions has two
-- rows. Nothing is updated, so a commit costs an append; the upkeep moves rows on into the tiers.
CREATE TABLE rollup_rows (
    series_id UBIGINT NOT NULL,
    "time" TIMESTAMP_NS NOT NULL,
    resolution_ms INTEGER NOT NULL,
    "count" UBIGINT,
    "sum" DOUBLE,
    "min" DOUBLE,
    "max" DOUBLE,
    errors UBIGINT,
    first_time TIMESTAMP_NS,
    first_start TIMESTAMP_NS,
    "first" DOUBLE,
    last_time TIMESTAMP_NS,
    last_start TIMESTAMP_NS,
    "last" DOUBLE,
    histogram STRUCT(scale TINYINT, indexes BIGINT[], counts UBIGINT[])
);
