-- Windows of 100 ms, one row for each of a series. One table per resolution: each has an age, and
-- whole row groups of it go at once, which costs nothing and gives their space back.
CREATE TABLE rollup_rows_100ms (
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
