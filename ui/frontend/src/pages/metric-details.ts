/** What the archive knows of a metric beyond the catalog: how it was described, and its keys. */

export interface MetricDetails {
  /** False: nothing is known; the rest says nothing. */
  found: boolean;
  description: string;
  /** Null: not known. */
  monotonic: boolean | null;
  temporality: string;
  attributeKeys: string[];
}

export const NO_DETAILS: MetricDetails = {
  found: false,
  description: "",
  monotonic: null,
  temporality: "",
  attributeKeys: [],
};

const QUERY = `
SELECT any_value(description), bool_or(monotonic), any_value(temporality::VARCHAR),
    list_distinct(flatten(list(json_keys(attributes::JSON))))
FROM (SELECT * FROM metric_points WHERE metric = ? LIMIT 1000)`;
const TIMEOUT_MS = 5_000;

type Row = [string | null, boolean | null, string | null, string[] | null];

/** Asks once. Without an answer nothing is missing that one could not type. */
export async function fetchDetails(metric: string, stop: AbortSignal): Promise<MetricDetails> {
  const answer = await fetch("/api/sql", {
    method: "POST",
    signal: stop,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: QUERY, params: [metric], timeout_ms: TIMEOUT_MS }),
  });
  if (!answer.ok) return NO_DETAILS;
  const { rows } = (await answer.json()) as { rows: Row[] };
  const [description, monotonic, temporality, keys] = rows[0] ?? [null, null, null, null];
  return {
    found: keys !== null,
    description: description ?? "",
    monotonic,
    temporality: temporality ?? "",
    attributeKeys: (keys ?? []).sort(),
  };
}
