-- What rollup rows are about. `series_id` is a hash of the content, the same in every process.
-- `bounds` are those of explicit-bucket histograms.
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
