/** The numbers of services and operations, and what each means. */
import { NUMBERS_MS, NUMBERS_SPAN } from "../chart/numbers";
import type { SeriesColumn } from "../chart/seriestable";
import type { Selection } from "../live/protocol";

/** What the numbers are of. */
export const RECENT = { signal: "spans", window_ms: NUMBERS_MS } satisfies Partial<Selection>;

const percentile = (measure: string, text: string): SeriesColumn => ({
  title: measure,
  meaning: `${text} of span durations, ${NUMBERS_SPAN}`,
  unit: "ms",
  measure,
});

export const NUMBERS = {
  rate: {
    title: "rate",
    meaning: `Spans ended per second, ${NUMBERS_SPAN}`,
    unit: "per_second",
    measure: "rate",
  },
  failing: {
    title: "errors",
    meaning: `Share of spans with status error, ${NUMBERS_SPAN}`,
    unit: "ratio",
    measure: "error_ratio",
    badFrom: 0.05,
  },
  p50: percentile("p50", "Median"),
  p95: percentile("p95", "95th percentile"),
  p99: percentile("p99", "99th percentile"),
} satisfies Record<string, SeriesColumn>;
