/** What a report is made of: the JSON in its file, written by tenth/report/document.py. */
import type { Mark, Series } from "../live/protocol";
import { WINDOW_MS } from "../live/protocol";
import { PanelRing } from "../live/ring";

/** An answer of `/api/history`, its times told by the first one. Null is a gap. */
export interface PanelData {
  resolution_ms: number;
  first_ms: number;
  windows: number;
  series: Series[];
  /** Measure -> series -> a value for each window; `heatmap` has a row for each bucket. */
  values: Record<string, (number | null)[][]>;
  /** Limits of the heatmap's buckets; null: an open end. */
  buckets?: [number | null, number | null][];
}

export interface MetricData {
  name: string;
  type: string;
  unit: string;
  description: string;
  /** Of metric-choices.ts: what the panel's measures show. */
  aggregation: string;
  panel: PanelData;
}

export interface ServiceRow {
  service: string;
  spans: number;
  errors: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  max_ms: number | null;
  logs: number;
}

export interface OperationRow extends Omit<ServiceRow, "logs"> {
  name: string;
  kind: string;
}

export interface TraceRow {
  trace_id: string;
  service: string;
  name: string;
  start_ms: number;
  duration_ms: number;
  spans: number;
  errors: number;
}

export interface ProblemRow {
  time_ms: number;
  service: string;
  what: string;
  text: string;
  trace_id: string | null;
}

/** The rows of a table, and how many there are of them in all. */
export interface Listed<Row> {
  rows: Row[];
  total: number;
}

export interface ReportData {
  name: string;
  from_ms: number;
  to_ms: number;
  /** When the report was made, and the snapshot that it is of. */
  made_ms: number;
  snapshot_ms: number;
  signals: string[];
  versions: Record<string, string>;
  totals: { spans: number; errors: number; logs: number; metric_points: number };
  panels: Record<PanelName, PanelData>;
  services: Listed<ServiceRow>;
  service_latency: { service: string; panel: PanelData }[];
  operations: Listed<OperationRow>;
  traces: Listed<TraceRow>;
  marks: Listed<Mark>;
  problems: Listed<ProblemRow>;
  metrics: Listed<MetricData>;
}

export type PanelName =
  | "by_service"
  | "spans"
  | "durations"
  | "severities"
  | "cpu"
  | "memory"
  | "network"
  | "disk";

/** A ring that charts read, filled once. */
export function ringOf(data: PanelData): PanelRing {
  const { windows, series, resolution_ms: resolutionMs } = data;
  const ring = new PanelRing(Math.max(1, windows), Math.round(resolutionMs / WINDOW_MS));
  const firstWindow = Math.round(data.first_ms / resolutionMs);
  const values = Object.entries(data.values).map(
    ([measure, rows]): [string, Float32Array] => [
      measure,
      Float32Array.from(rows.flat(), (value) => value ?? NaN),
    ],
  );
  ring.apply(
    {
      id: 0,
      reset: true,
      series,
      resolutionMs,
      firstWindow,
      offsets: Uint16Array.from({ length: windows }, (_, i) => i),
      values: new Map(values),
      buckets: Float32Array.from(
        (data.buckets ?? []).flatMap(([low, high]) => [low ?? -Infinity, high ?? Infinity]),
      ),
    },
    firstWindow,
  );
  ring.knownUntil = (firstWindow + windows) * ring.unit - 1;
  return ring;
}
