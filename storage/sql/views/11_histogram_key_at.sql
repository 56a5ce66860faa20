-- The key of an exponential histogram's bucket after its scale was lowered by `steps`.
CREATE OR REPLACE MACRO histogram_key_at(bucket_key, steps) AS
    CASE WHEN bucket_key = 0 OR steps = 0 THEN bucket_key
    ELSE CAST(sign(bucket_key) AS BIGINT)
        * (CAST(floor((abs(bucket_key) - 2147483648) / pow(2, steps)) AS BIGINT) + 2147483648)
    END;
