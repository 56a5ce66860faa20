-- Rollups of all resolutions: the same data in each, so a query names one. Those of 100 ms are
-- complete; a coarser window appears once it is over. `increase` is what a sum's value or a
-- histogram's count grew by from the window's first point to its last.
CREATE OR REPLACE VIEW rollups AS
SELECT
    w."time", w.resolution_ms, s.signal, s.service_name, s.name, s.kind, s.unit, s.temporality,
    s.monotonic, s.attributes, w."count", w."sum", w."min", w."max", w.errors, w.increase,
    w.first_time, nullif(w.first_start, make_timestamp_ns(0)) AS first_start, w."first",
    w.last_time, nullif(w.last_start, make_timestamp_ns(0)) AS last_start, w."last",
    CASE WHEN w.histogram IS NOT NULL THEN struct_pack(
        scale := w.histogram.scale, bounds := s.bounds,
        indexes := w.histogram.indexes, counts := w.histogram.counts)
    END AS histogram,
    s.series_id, s.origin
FROM (
    SELECT *, 100 AS resolution_ms FROM rollup_rows_100ms
    UNION ALL BY NAME SELECT *, 100 AS resolution_ms FROM fresh_rollups
    UNION ALL BY NAME SELECT *, 1000 AS resolution_ms FROM rollup_rows_1s
    UNION ALL BY NAME SELECT *, 10000 AS resolution_ms FROM rollup_rows_10s
    UNION ALL BY NAME SELECT *, 60000 AS resolution_ms FROM rollup_rows_60s
) w JOIN series s ON w.series_id = s.series_id;
