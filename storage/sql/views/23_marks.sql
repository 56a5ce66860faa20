-- What happened, in somebody's words: shown on every chart.
CREATE OR REPLACE VIEW marks AS
SELECT m."time", m.text, m.service_name, m.attributes, o.resource, m.trace_id, m.span_id, m.origin_id
FROM mark_rows m LEFT JOIN origins o ON m.origin_id = o.origin_id;
