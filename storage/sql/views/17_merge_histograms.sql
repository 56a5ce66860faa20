-- One histogram from a short list of them. Exact: of exponential histograms the finer ones are
-- brought to the coarsest scale, where 2^steps buckets become one. Explicit ones share their bounds.
CREATE OR REPLACE MACRO merge_histograms(histograms) AS
    list_transform(
        list_transform(
            list_transform(
                [{
                    'histograms': histograms,
                    'scale': list_min(list_transform(histograms, lambda h: h.scale))
                }],
                lambda given: {
                    'scale': given.scale,
                    'bounds': given.histograms[1].bounds,
                    'cells': flatten(list_transform(given.histograms, lambda h: list_transform(
                        list_zip(h.indexes, h.counts),
                        lambda c: {
                            'key': histogram_key_at(c[1], coalesce(h.scale - given.scale, 0)),
                            'count': c[2]
                        }
                    )))
                }
            ),
            lambda flat: {
                'scale': flat.scale,
                'bounds': flat.bounds,
                'cells': flat.cells,
                'keys': list_sort(list_distinct(list_transform(flat.cells, lambda c: c.key)))
            }
        ),
        lambda keyed: {
            'scale': keyed.scale,
            'bounds': keyed.bounds,
            'indexes': keyed.keys,
            'counts': list_transform(keyed.keys, lambda k: CAST(list_sum(list_transform(
                list_filter(keyed.cells, lambda c: c.key = k), lambda c: c."count"
            )) AS UBIGINT))
        }
    )[1];
