-- So long ago, in the type of the archive's times: start_time > ago('15 minutes'). DuckDB's own
-- macro of this name gives a time with a time zone, which does not compare with them.
CREATE OR REPLACE MACRO ago(how_long) AS
    CAST((now() AT TIME ZONE 'UTC') - CAST(how_long AS INTERVAL) AS TIMESTAMP_NS);
