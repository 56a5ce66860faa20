/** `GET /api/traces` and one trace with its spans. */
import { getJson } from "../history/lookup";

export interface TraceSummary {
  trace_id: string;
  root_service: string;
  root_name: string;
  /** False: the root has not come, its earliest span stands for it. */
  has_root: boolean;
  start_time_ms: number;
  duration_ms: number;
  spans: number;
  errors: number;
}

export interface Span {
  span_id: string;
  parent_span_id: string | null;
  name: string;
  service: string;
  offset_ns: number;
  duration_ns: number;
  status_code: string;
}

export interface Trace {
  duration_ns: number;
  spans: Span[];
}

export interface OutlinedSpan {
  span: Span;
  depth: number;
}

/** Both throw an Error that says what to do. */
export async function fetchTraces(
  query: string,
  stop: AbortSignal,
): Promise<{ traces: TraceSummary[]; truncated: boolean }> {
  return getJson(`/api/traces?${query}`, stop);
}

export async function fetchTrace(id: string, stop: AbortSignal): Promise<Trace> {
  return getJson(`/api/traces/${encodeURIComponent(id)}`, stop);
}

/** Children after their parents, by start; a span without a known parent is at the left. */
export function outline(spans: Span[]): OutlinedSpan[] {
  const known = new Set(spans.map(({ span_id }) => span_id));
  const children = new Map<string, Span[]>();
  for (const span of spans) {
    const parent = span.parent_span_id;
    const key = parent !== null && parent !== span.span_id && known.has(parent) ? parent : "";
    const siblings = children.get(key);
    if (siblings) siblings.push(span);
    else children.set(key, [span]);
  }
  const found: OutlinedSpan[] = [];
  const rest = (children.get("") ?? []).map((span) => ({ span, depth: 0 })).reverse();
  for (let next = rest.pop(); next; next = rest.pop()) {
    found.push(next);
    const depth = next.depth + 1;
    const below = children.get(next.span.span_id) ?? [];
    rest.push(...below.map((span) => ({ span, depth })).reverse());
  }
  return found;
}
