-- One row per series and window, whatever number of transactions its data came in. Counts add up;
-- where a series carries totals since its start (cumulative histograms, summaries) the latest row
-- stands for the window. `increase` is how much a sum grew within the window; growth between
-- windows is the difference of their `last`.
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
