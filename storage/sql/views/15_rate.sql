-- Per second: an amount over a number of windows of a resolution. rate(sum(count), resolution_ms)
-- of one window of `rollups`, or rate(sum(count), 60000) of a minute.
CREATE OR REPLACE MACRO rate(amount, over_ms) AS amount * 1000.0 / over_ms;
