-- How much there is in the range. An item counts where its window counts it: a span at its end.
SELECT
    (SELECT count(*) FROM spans WHERE {spans}) AS spans,
    (SELECT count(*) FROM spans WHERE {spans} AND status_code = 'error') AS errors,
    (SELECT count(*) FROM logs WHERE {items}) AS logs,
    (SELECT count(*) FROM metric_points WHERE {items}) AS metric_points
