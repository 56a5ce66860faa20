-- Rollups that are not in a tier yet, one row per series and window. Counts add up; where a series
-- carries totals since its start (cumulative histograms, summaries) the latest row stands for the
-- window. A list of histograms is dear: this view stays small, because rows move on.
CREATE OR REPLACE VIEW fresh_rollups AS
SELECT
    w.series_id, w."time",
    CASE WHEN s.level THEN w.last_count ELSE w.added_count END AS "count",
    CASE WHEN s.level THEN w.last_sum ELSE w.added_sum END AS "sum",
    w."min", w."max", w.errors,
    w.first_time, w.first_start, w."first", w.last_time, w.last_start, w."last",
    CASE
        WHEN w.histograms IS NULL THEN NULL
        WHEN s.level OR len(w.histograms) = 1 THEN w.histograms[-1]
        ELSE list_transform(
            [merge_histograms(list_transform(w.histograms, lambda h: struct_pack(
                scale := h.scale, bounds := s.bounds, indexes := h.indexes, counts := h.counts)))],
            lambda m: struct_pack(scale := m.scale, indexes := m.indexes, counts := m.counts)
        )[1]
    END AS histogram,
    CASE
        WHEN s.kind = 'gauge' OR s.signal != 'metrics' THEN NULL
        WHEN s.temporality != 'cumulative' AND s.kind != 'summary'
            THEN CASE WHEN s.kind = 'sum' THEN w.added_sum ELSE w.added_count END
        WHEN w.first_start = w.last_start
            AND (w."last" >= w."first" OR (s.kind = 'sum' AND NOT s.monotonic))
            THEN w."last" - w."first"
        ELSE w."last"
    END AS increase
FROM (
    SELECT series_id, "time",
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
    GROUP BY series_id, "time"
) w JOIN (
    SELECT *, kind = 'summary'
        OR (kind IN ('histogram', 'exponential_histogram') AND temporality = 'cumulative') AS level
    FROM series
) s ON w.series_id = s.series_id;
