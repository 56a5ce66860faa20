-- Windows of 1 s, made of those of 100 ms.
CREATE TABLE rollup_rows_1s (
    series_id UBIGINT NOT NULL,
    "time" TIMESTAMP_NS NOT NULL,
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
    histogram STRUCT(scale TINYINT, indexes BIGINT[], counts UBIGINT[]),
    increase DOUBLE
);
