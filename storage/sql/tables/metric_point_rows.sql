-- All data points of all five metric types; columns of other types are NULL. `value` is a number
-- point's value, `value_int` the same where it came as an integer: doubles end at 2^53.
CREATE TABLE metric_point_rows (
    "time" TIMESTAMP_NS NOT NULL,
    start_time TIMESTAMP_NS,
    metric VARCHAR NOT NULL,
    description VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    "type" VARCHAR NOT NULL,
    temporality VARCHAR NOT NULL,
    monotonic BOOLEAN NOT NULL,
    flags UINTEGER NOT NULL,
    "value" DOUBLE,
    value_int BIGINT,
    "count" UBIGINT,
    "sum" DOUBLE,
    "min" DOUBLE,
    "max" DOUBLE,
    explicit_bounds DOUBLE[],
    bucket_counts UBIGINT[],
    scale INTEGER,
    zero_count UBIGINT,
    zero_threshold DOUBLE,
    positive_offset INTEGER,
    positive_bucket_counts UBIGINT[],
    negative_offset INTEGER,
    negative_bucket_counts UBIGINT[],
    quantile_values STRUCT(quantile DOUBLE, "value" DOUBLE)[],
    service_name VARCHAR NOT NULL,
    scope_name VARCHAR NOT NULL,
    scope_version VARCHAR NOT NULL,
    origin_id VARCHAR NOT NULL,
    attributes VARIANT NOT NULL,
    metadata VARIANT NOT NULL,
    exemplars STRUCT(
        "time" TIMESTAMP_NS, "value" DOUBLE, value_int BIGINT, trace_id VARCHAR, span_id VARCHAR,
        attributes VARIANT
    )[] NOT NULL
);
