-- A limit of a histogram's bucket: the lower one for `side` 0, the upper one for `side` 1.
-- Keys are those of storage/histogram.py: of an exponential histogram, 0 is the zero bucket,
-- i + 2^31 is (base^i, base^(i+1)] with base = 2^(2^-scale), and the negative of that its mirror.
-- Without a scale, bounds are explicit, and the key is the bucket's position among them.
CREATE OR REPLACE MACRO histogram_limit(scale, bounds, bucket_key, side) AS
    CASE
    WHEN scale IS NULL THEN ([-'inf'::DOUBLE] || coalesce(bounds, []) || ['inf'::DOUBLE])[bucket_key + 1 + side]
    WHEN bucket_key = 0 THEN 0.0
    ELSE sign(bucket_key) * pow(2.0, pow(2.0, -scale) * (
        abs(bucket_key) - 2147483648 + CASE WHEN bucket_key > 0 THEN side ELSE 1 - side END))
    END;
