/** The numbers of services and operations, and what each means. */
import type { SeriesColumn } from "../chart/seriestable";

const newest = (measure: string, text: string): SeriesColumn => ({
  title: measure,
  meaning: `${text} of span durations in the newest window of 100 ms that has spans`,
  unit: "ms",
  value: (numbers) => numbers.newest(measure),
});

export const NUMBERS = {
  rate: {
    title: "rate",
    meaning: "Spans ended per second, mean of the last 10 s",
    unit: "per_second",
    value: (numbers) => numbers.mean("rate"),
  },
  failing: {
    title: "errors",
    meaning: "Share of spans with status error, over the last 10 s",
    unit: "ratio",
    value: (numbers) => numbers.mean("error_rate") / numbers.mean("rate"),
    badFrom: 0.05,
  },
  worst: {
    title: "worst p95",
    meaning: "Highest 95th percentile of a window of 100 ms in the last 10 s",
    unit: "ms",
    value: (numbers) => numbers.greatest("p95"),
  },
  p50: newest("p50", "Median"),
  p95: newest("p95", "95th percentile"),
  p99: newest("p99", "99th percentile"),
} satisfies Record<string, SeriesColumn>;
