-- An aggregate: the quantile, q from 0 to 1, of buckets in rows. Add up equal buckets first, so
-- that the list it makes stays short; docs/sql.md has the statement.
CREATE OR REPLACE MACRO bucket_quantile(lower, upper, bucket_count, q) AS
    quantile_from_buckets(list({'lower': lower, 'upper': upper, 'count': bucket_count}), q);
