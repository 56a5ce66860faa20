-- A quantile, q from 0 to 1, of a list of {lower, upper, count}. Values are taken to lie evenly in
-- their bucket, on a logarithmic scale in a positive one: the same rule as in the live charts.
-- The list is walked once and never unnested: a subquery in a macro would copy it for each bucket.
CREATE OR REPLACE MACRO quantile_from_buckets(buckets, q) AS
    list_transform(
        list_transform(
            [{
                'wanted': q * list_sum(list_transform(buckets, lambda b: CAST(b."count" AS DOUBLE))),
                'sorted': list_sort(list_transform(buckets, lambda b: {
                    'lower': CAST(b.lower AS DOUBLE),
                    'upper': CAST(b.upper AS DOUBLE),
                    'inside': CAST(b."count" AS DOUBLE),
                    'upto': CAST(b."count" AS DOUBLE)
                }))
            }],
            lambda given: {
                'wanted': given.wanted,
                'hit': CASE WHEN len(given.sorted) > 0 THEN list_reduce(
                    given.sorted,
                    lambda seen, b: CASE WHEN seen.upto >= given.wanted THEN seen ELSE {
                        'lower': b.lower, 'upper': b.upper, 'inside': b.inside,
                        'upto': seen.upto + b.inside
                    } END
                ) END
            }
        ),
        lambda found: bucket_value(
            found.hit.lower, found.hit.upper,
            (found.wanted - (found.hit.upto - found.hit.inside)) / found.hit.inside)
    )[1];
