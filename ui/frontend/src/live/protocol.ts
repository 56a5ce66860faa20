/** The messages of `tenth.v1` (docs/live.md), and the decoding of its binary frames. */
import { decode } from "@msgpack/msgpack";

export const SUBPROTOCOL = "tenth.v1";
export const WINDOW_MS = 100;

export type Measure =
  | "rate"
  | "error_rate"
  | "error_ratio"
  | "p50"
  | "p95"
  | "p99"
  | "max"
  | "mean"
  | "last"
  | "min"
  | "sum"
  | "heatmap";

export interface Selection {
  signal: "spans" | "logs" | "metrics";
  measures: Measure[];
  service?: string;
  name?: string;
  kind?: string;
  group_by?: string;
  limit?: number;
  /** Values of the last so many ms, a new one each second, instead of windows of 100 ms. */
  window_ms?: number;
}

/** What the client asks for under one id: a selection and how much history. */
export interface Subscription {
  id: number;
  selection: Selection;
  windows: number;
}

export interface MetricInfo {
  name: string;
  unit: string;
  type: string;
  services: string[];
}

/** Something that people pointed out, as in docs/http-api.md. */
export interface Mark {
  time_ms: number;
  /** Exact, as text. */
  time_unix_nano: string;
  text: string;
  service_name: string;
}

export interface StreamEvent {
  /** The same when the same event is sent again. */
  id: string;
  time_ms: number;
  kind: "error" | "exception" | "log" | "mark";
  severity: string;
  service: string;
  name: string;
  text: string;
  trace_id: string | null;
  /** So many alike in its second, this one included. */
  count: number;
  /** So many more of its service in its second, which are not sent. */
  omitted: number;
}

export interface EventStream {
  /** Null: of all services. */
  service: string | null;
  /** Newest first. */
  events: StreamEvent[];
  /** Why there is nothing newer; empty when there is no reason. */
  problem: string;
}

export type ClientMessage =
  | ({ type: "subscribe" } & Subscription)
  | { type: "unsubscribe"; id: number }
  | { type: "ack"; sequence: number }
  | { type: "rate"; hz: number }
  | { type: "resume"; epoch: string; sequence: number }
  | { type: "events"; service: string | null; stream: boolean }
  | { type: "ping"; t: number };

export type ControlMessage =
  | {
      type: "hello";
      version: string;
      epoch: string;
      window_ms: number;
      ring_windows: number;
      server_time_ms: number;
    }
  | { type: "catalog"; services: string[]; metrics: MetricInfo[] }
  | { type: "marks"; marks: Mark[] }
  | ({ type: "events" } & EventStream)
  | { type: "state"; state: "live" | "collector_down" | "lagging" }
  | { type: "pong"; t: number; server_time_ms: number }
  | { type: "error"; id?: number; title: string; detail: string };

export interface Series {
  key: string;
  labels: Record<string, string>;
}

export interface PanelUpdate {
  id: number;
  reset: boolean;
  series: Series[];
  /** How long the update's windows are, or how far apart those that slide. */
  resolutionMs: number;
  firstWindow: number;
  /** Rising; the windows are `firstWindow + offset`. */
  offsets: Uint16Array;
  /** Measure -> series-major values, NaN is a gap; `heatmap` is bucket-major. */
  values: Map<string, Float32Array>;
  /** Lower and upper limit of each bucket of the heatmap, in turns. */
  buckets: Float32Array;
}

export interface Frame {
  epoch: string;
  sequence: number;
  serverTimeMs: number;
  newestEventMs: number | null;
  arrivalMs: number | null;
  coalesced: number;
  oldestWindow: number;
  panels: PanelUpdate[];
}

/** Decodes one binary frame. Throws TypeError or RangeError when it is not one. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const raw = decode(bytes) as Record<string, unknown> | null;
  if (typeof raw !== "object" || raw === null || !Array.isArray(raw["panels"])) {
    throw new TypeError("The frame is not a map with panels.");
  }
  return {
    epoch: String(raw["epoch"]),
    sequence: numberOf(raw, "sequence"),
    serverTimeMs: numberOf(raw, "server_time_ms"),
    newestEventMs: optionalNumberOf(raw, "newest_event_ms"),
    arrivalMs: optionalNumberOf(raw, "arrival_ms"),
    coalesced: optionalNumberOf(raw, "coalesced") ?? 0,
    oldestWindow: numberOf(raw, "oldest_window"),
    panels: (raw["panels"] as Record<string, unknown>[]).map(decodePanel),
  };
}

/** One panel of a frame, or one of its shape. Throws TypeError or RangeError. */
export function decodePanel(raw: Record<string, unknown>): PanelUpdate {
  const series = raw["series"] as Series[];
  const offsets = aligned(raw["offsets"], Uint16Array);
  const buckets = aligned(raw["buckets"] ?? NO_BYTES, Float32Array);
  const values = new Map<string, Float32Array>();
  for (const [measure, bytes] of Object.entries(raw["values"] as Record<string, unknown>)) {
    const column = aligned(bytes, Float32Array);
    const rows = measure === "heatmap" ? buckets.length / 2 : series.length;
    if (column.length !== rows * offsets.length) {
      throw new RangeError(`Panel ${String(raw["id"])}: ${measure} has ${column.length} values.`);
    }
    values.set(measure, column);
  }
  return {
    id: numberOf(raw, "id"),
    reset: raw["reset"] === true,
    series,
    resolutionMs: optionalNumberOf(raw, "resolution_ms") ?? WINDOW_MS,
    firstWindow: numberOf(raw, "first_window"),
    offsets,
    values,
    buckets,
  };
}

const NO_BYTES = new Uint8Array();

/** A typed view of `bytes`. It is copied: msgpack leaves columns at any offset. */
function aligned<T>(
  bytes: unknown,
  view: { new (buffer: ArrayBuffer): T; BYTES_PER_ELEMENT: number },
): T {
  if (!(bytes instanceof Uint8Array) || bytes.length % view.BYTES_PER_ELEMENT !== 0) {
    throw new TypeError("A column of the frame is not an array of whole numbers of bytes.");
  }
  return new view(bytes.slice().buffer as ArrayBuffer);
}

function numberOf(raw: Record<string, unknown>, key: string): number {
  const value = raw[key];
  if (typeof value !== "number") throw new TypeError(`The frame has no number ${key}.`);
  return value;
}

function optionalNumberOf(raw: Record<string, unknown>, key: string): number | null {
  return raw[key] == null ? null : numberOf(raw, key);
}
