-- The operations to compare, the busiest of both files, and all services: those have no name. What
-- Tenth tells of itself is no part of the load.
CREATE TEMP TABLE operations AS
WITH found AS (
    SELECT service_name, name, kind, count(*) AS calls
    FROM read_parquet([$before, $after])
    WHERE service_name != $own
    GROUP BY ALL
), services AS (
    SELECT service_name, CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS kind,
        sum(calls) AS calls
    FROM found
    GROUP BY service_name
    ORDER BY sum(calls) DESC, service_name
    LIMIT $most_services
), busiest AS (
    SELECT * FROM found ORDER BY calls DESC, service_name, name, kind LIMIT $most_operations
)
SELECT row_number() OVER () - 1 AS number, *, (SELECT count(*) FROM found) AS found
FROM (SELECT * FROM services UNION ALL SELECT * FROM busiest)
