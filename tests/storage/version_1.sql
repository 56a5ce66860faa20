-- The tables of an archive of version 1, as Tenth made them.
CREATE TABLE tenth_meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
CREATE TABLE journal_position (segment BIGINT NOT NULL, "offset" BIGINT NOT NULL);
CREATE TABLE origins (
    origin_id VARCHAR NOT NULL,
    service_name VARCHAR NOT NULL,
    service_namespace VARCHAR NOT NULL,
    service_instance_id VARCHAR NOT NULL,
    service_version VARCHAR NOT NULL,
    resource VARIANT NOT NULL,
    resource_schema_url VARCHAR NOT NULL,
    resource_dropped_attributes_count UINTEGER NOT NULL,
    entity_refs STRUCT(
        schema_url VARCHAR, "type" VARCHAR, id_keys VARCHAR[], description_keys VARCHAR[]
    )[] NOT NULL,
    scope_name VARCHAR NOT NULL,
    scope_version VARCHAR NOT NULL,
    scope_attributes VARIANT NOT NULL,
    scope_schema_url VARCHAR NOT NULL,
    scope_dropped_attributes_count UINTEGER NOT NULL
);
CREATE TABLE series (
    series_id UBIGINT NOT NULL,
    signal VARCHAR NOT NULL,
    service_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    temporality VARCHAR NOT NULL,
    monotonic BOOLEAN NOT NULL,
    attributes VARIANT NOT NULL,
    origin VARCHAR NOT NULL,
    bounds DOUBLE[]
);
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
CREATE OR REPLACE MACRO histogram_limit(scale, bounds, bucket_key, side) AS
    CASE
    WHEN scale IS NULL THEN ([-'inf'::DOUBLE] || coalesce(bounds, []) || ['inf'::DOUBLE])[bucket_key + 1 + side]
    WHEN bucket_key = 0 THEN 0.0
    ELSE sign(bucket_key) * pow(2.0, pow(2.0, -scale) * (
        abs(bucket_key) - 2147483648 + CASE WHEN bucket_key > 0 THEN side ELSE 1 - side END))
    END;
CREATE OR REPLACE MACRO histogram_key_at(bucket_key, steps) AS
    CASE WHEN bucket_key = 0 OR steps = 0 THEN bucket_key
    ELSE CAST(sign(bucket_key) AS BIGINT)
        * (CAST(floor((abs(bucket_key) - 2147483648) / pow(2, steps)) AS BIGINT) + 2147483648)
    END;
CREATE OR REPLACE MACRO merge_histograms(histograms) AS
    list_transform(
        list_transform(
            list_transform(
                [{
                    'histograms': histograms,
                    'scale': list_min(list_transform(histograms, lambda h: h.scale))
                }],
                lambda given: {
                    'scale': given.scale,
                    'bounds': given.histograms[1].bounds,
                    'cells': flatten(list_transform(given.histograms, lambda h: list_transform(
                        list_zip(h.indexes, h.counts),
                        lambda c: {
                            'key': histogram_key_at(c[1], coalesce(h.scale - given.scale, 0)),
                            'count': c[2]
                        }
                    )))
                }
            ),
            lambda flat: {
                'scale': flat.scale,
                'bounds': flat.bounds,
                'cells': flat.cells,
                'keys': list_sort(list_distinct(list_transform(flat.cells, lambda c: c.key)))
            }
        ),
        lambda keyed: {
            'scale': keyed.scale,
            'bounds': keyed.bounds,
            'indexes': keyed.keys,
            'counts': list_transform(keyed.keys, lambda k: CAST(list_sum(list_transform(
                list_filter(keyed.cells, lambda c: c.key = k), lambda c: c."count"
            )) AS UBIGINT))
        }
    )[1];
CREATE OR REPLACE VIEW rollups AS
SELECT
    w."time", w.resolution_ms, s.signal, s.service_name, s.name, s.kind, s.unit, s.temporality,
    s.monotonic, s.attributes,
    CASE WHEN s.level THEN w.last_count ELSE w.added_count END AS "count",
    CASE WHEN s.level THEN w.last_sum ELSE w.added_sum END AS "sum",
    w."min", w."max", w.errors,
    CASE
        WHEN s.kind != 'sum' THEN NULL
        WHEN s.temporality = 'delta' THEN w.added_sum
        WHEN w.first_start = w.last_start AND (w."last" >= w."first" OR NOT s.monotonic)
            THEN w."last" - w."first"
        ELSE w."last"
    END AS increase,
    w.first_time, w.first_start, w."first", w.last_time, w.last_start, w."last",
    CASE
        WHEN w.histograms IS NULL THEN NULL
        WHEN s.level OR len(w.histograms) = 1 THEN struct_pack(
            scale := w.histograms[-1].scale, bounds := s.bounds,
            indexes := w.histograms[-1].indexes, counts := w.histograms[-1].counts)
        ELSE merge_histograms(list_transform(w.histograms, lambda h: struct_pack(
            scale := h.scale, bounds := s.bounds, indexes := h.indexes, counts := h.counts)))
    END AS histogram,
    s.series_id, s.origin
FROM (
    SELECT series_id, "time", resolution_ms,
        CAST(sum("count") AS UBIGINT) AS added_count,
        arg_max("count", last_time) AS last_count,
        sum("sum") AS added_sum,
        arg_max("sum", last_time) AS last_sum,
        min("min") AS "min", max("max") AS "max",
        CAST(sum(errors) AS UBIGINT) AS errors,
        min(first_time) AS first_time,
        arg_min(first_start, first_time) AS first_start,
        arg_min("first", first_time) AS "first",
        max(last_time) AS last_time,
        arg_max(last_start, last_time) AS last_start,
        arg_max("last", last_time) AS "last",
        list(histogram ORDER BY last_time) FILTER (histogram IS NOT NULL) AS histograms
    FROM rollup_rows
    GROUP BY series_id, "time", resolution_ms
) w JOIN (
    SELECT *, kind = 'summary'
        OR (kind IN ('histogram', 'exponential_histogram') AND temporality = 'cumulative') AS level
    FROM series
) s ON w.series_id = s.series_id;
