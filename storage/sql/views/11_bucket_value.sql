-- The value at `part`, from 0 to 1, of a bucket. An open end has no width to interpolate in.
CREATE OR REPLACE MACRO bucket_value(lower, upper, part) AS
    CASE
    WHEN isinf(lower) THEN upper
    WHEN isinf(upper) THEN lower
    WHEN lower > 0 THEN lower * pow(upper / lower, least(greatest(part, 0.0), 1.0))
    ELSE lower + (upper - lower) * least(greatest(part, 0.0), 1.0)
    END;
