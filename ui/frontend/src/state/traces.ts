/** Which traces the panel at the side lists, and who asked for them. */
import { service, traces } from "./app";

/** What `/api/traces` is asked for besides the time. */
export interface TraceFilter {
  service?: string;
  operation?: string;
  status?: "error";
}

/** A point of a chart: its time, and the values that were meant, in ms. */
export interface Picked {
  fromMs: number;
  toMs: number;
  least?: number;
  most?: number;
}

/** Charts count spans where they end, traces are found by where a span began. */
const MARGIN_MS = 1_000;
const MOST_TRACES = 50;

let opener: HTMLElement | null = null;

/** Lists the slowest traces around a point; `from` gets the focus back. */
export function openTraces(filter: TraceFilter, picked: Picked, from: HTMLElement | null): void {
  opener = from;
  const reachMs = picked.most !== undefined && Number.isFinite(picked.most) ? picked.most : 0;
  const query = new URLSearchParams({
    from_ms: String(Math.max(0, Math.floor(picked.fromMs - MARGIN_MS - reachMs))),
    to_ms: String(Math.ceil(picked.toMs + MARGIN_MS)),
    order: "slowest",
    limit: String(MOST_TRACES),
  });
  const { service: of = service.peek(), operation, status } = filter;
  if (of !== "") query.set("service", of);
  if (operation !== undefined) query.set("operation", operation);
  if (status !== undefined) query.set("status", status);
  if (picked.least !== undefined) query.set("min_duration_ms", String(picked.least));
  if (picked.least !== undefined && reachMs > 0) query.set("max_duration_ms", String(reachMs));
  traces.value = query.toString();
}

/** Shows one trace. */
export function openTrace(id: string, from: HTMLElement | null): void {
  opener = from;
  traces.value = new URLSearchParams({ trace_id: id }).toString();
}

export function closeTraces(): void {
  traces.value = "";
  opener?.focus();
  opener = null;
}
