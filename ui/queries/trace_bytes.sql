-- Which attributes of a trace's spans are bytes: a list of truths, in the order of the asked keys.
SELECT span_id, {attributes} AS attributes,
    list_transform(events, lambda e: {events}) AS events,
    list_transform(links, lambda l: {links}) AS links
FROM spans
WHERE trace_id = $trace_id
