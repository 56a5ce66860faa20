-- Failed spans, exceptions of others, warnings and worse, and marks of a range. Those that are alike
-- and of one second are one row: the newest of them, and how many there are. A service has at most
-- ten rows a second; `in_second` is of all its events there, `in_range` of all events. Names and texts
-- are cut off at 300 characters.
-- A span counts at its end, but only its start and its duration prune: so most are looked for where
-- they start at most a second before the range, and long ones apart from them.
WITH spans_there AS (
    SELECT end_time, service_name, left(name, 300) AS name, status_code, status_message, trace_id,
        span_id, events
    FROM spans
    WHERE (status_code = 'error' OR len(events) > 0) AND {service}
        AND start_time >= make_timestamp_ns($near_ns) AND start_time < make_timestamp_ns($to_ns)
    UNION ALL
    SELECT end_time, service_name, left(name, 300) AS name, status_code, status_message, trace_id,
        span_id, events
    FROM spans
    WHERE (status_code = 'error' OR len(events) > 0) AND {service}
        AND start_time >= make_timestamp_ns($far_ns) AND start_time < make_timestamp_ns($near_ns)
        AND duration_ns >= 1000000000
), failed AS (
    SELECT *, list_filter(events, lambda e: e.name = 'exception')[-1].attributes AS exception
    FROM spans_there
    WHERE status_code = 'error'
), handled AS (
    SELECT service_name, name, trace_id, span_id, unnest(events) AS e
    FROM spans_there
    WHERE status_code != 'error' AND end_time >= make_timestamp_ns($from_ns)
), found AS (
    SELECT end_time AS moment, 'error' AS kind, 'error' AS severity, service_name AS service, name,
        name AS alike, trace_id, span_id,
        coalesce(
            nullif(concat_ws(': ',
                exception['exception.type']::VARCHAR,
                nullif(left(exception['exception.message']::VARCHAR, 300), '')), ''),
            left(status_message, 300)) AS text
    FROM failed
    UNION ALL
    SELECT e."time", 'exception', 'error', service_name, name, name, trace_id, span_id,
        concat_ws(': ',
            e.attributes['exception.type']::VARCHAR,
            nullif(left(e.attributes['exception.message']::VARCHAR, 300), ''))
    FROM handled
    WHERE e.name = 'exception'
    UNION ALL
    SELECT "time", 'log', severity, service_name, left(event_name, 300),
        coalesce(left(body::VARCHAR, 24), ''), trace_id, span_id, left(body::VARCHAR, 300)
    FROM logs
    WHERE severity_number >= 13 AND event_name != 'tenth.mark' AND {service}
        AND "time" >= make_timestamp_ns($from_ns) AND "time" < make_timestamp_ns($to_ns)
    UNION ALL
    SELECT "time", 'mark', 'info', service_name, '', text, trace_id, span_id, left(text, 300)
    FROM marks
    WHERE ({service} OR service_name = 'tenth')
        AND "time" >= make_timestamp_ns($from_ns) AND "time" < make_timestamp_ns($to_ns)
), grouped AS (
    SELECT epoch_ns(moment) // 1000000000 AS second, kind, severity, service, alike,
        epoch_ns(max(moment)) AS time_ns, count(*) AS "count",
        arg_max(name, moment) AS name, arg_max(coalesce(text, ''), moment) AS text,
        arg_max(coalesce(trace_id, ''), moment) AS trace_id,
        arg_max(coalesce(span_id, ''), moment) AS span_id
    FROM found
    WHERE moment >= make_timestamp_ns($from_ns) AND moment < make_timestamp_ns($to_ns)
    GROUP BY second, kind, severity, service, alike
)
SELECT *, sum("count") OVER (PARTITION BY second, service)::BIGINT AS in_second,
    sum("count") OVER ()::BIGINT AS in_range
FROM grouped
QUALIFY row_number() OVER (PARTITION BY second, service ORDER BY time_ns DESC) <= 10
ORDER BY time_ns DESC
LIMIT $limit
