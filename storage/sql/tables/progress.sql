-- How far the upkeep of the archive has come: `merged TABLE` says up to when rollups are in a
-- tier's table, `deleted TABLE` before when rows are gone. Rows are added, the greatest time counts.
CREATE TABLE progress (what VARCHAR NOT NULL, "time" TIMESTAMP_NS NOT NULL);
