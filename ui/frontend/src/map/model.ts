/** Who calls whom: what the page draws of the answer of `GET /api/service-map`. */

export interface ServiceRow {
  service: string;
  spans: number;
  errors: number;
  /** Spans of servers and consumers. */
  requests: number;
  failed_requests: number;
  p95_ms: number | null;
}

export interface CallRow {
  caller: string;
  callee: string;
  calls: number;
  errors: number;
  /** Calls per second. */
  rate: number;
  error_ratio: number;
  p95_ms: number | null;
}

/** Times are Unix ms. */
export interface MapAnswer {
  from_ms: number;
  to_ms: number;
  services: ServiceRow[];
  edges: CallRow[];
  truncated: boolean;
}

export interface MapNode {
  name: string;
  /** Per second; NaN: unknown. */
  rate: number;
  /** Who is asked nothing has spans, all the same. */
  of: "requests" | "spans";
  /** Of 1; NaN: unknown. */
  errorRatio: number;
}

export interface MapEdge {
  caller: string;
  callee: string;
  /** Calls per second. */
  rate: number;
  /** Of 1. */
  errorRatio: number;
  /** NaN: unknown. */
  p95Ms: number;
}

export interface ServiceMap {
  /** In the order of their names, like the edges: news must not change a layout. */
  nodes: MapNode[];
  edges: MapEdge[];
  /** The same for maps that differ in numbers only. */
  topology: string;
  /** Services with calls that are not shown, since others have more. */
  moreServices: number;
  /** Pairs of shown services whose calls are not shown, since others have more. */
  moreEdges: number;
  /** There is more than the answer holds. */
  truncated: boolean;
}

export const MOST_NODES = 60;
/** More lines than these cannot be followed by an eye, nor laid out at once. */
export const MOST_EDGES = 150;

/** The busiest services that call others or are called, and their calls. */
export function mapOf(answer: MapAnswer): ServiceMap {
  const busiest = namesByCalls(answer.edges);
  const shown = new Set(busiest.slice(0, MOST_NODES));
  const between = answer.edges.filter(({ caller, callee }) => shown.has(caller) && shown.has(callee));
  const seconds = (answer.to_ms - answer.from_ms) / 1_000;
  const rows = new Map(answer.services.map((row) => [row.service, row]));
  const nodes = [...shown].sort().map((name) => nodeOf(name, rows.get(name), seconds));
  const edges = [...between]
    .sort((a, b) => b.calls - a.calls)
    .slice(0, MOST_EDGES)
    .map(edgeOf)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return {
    nodes,
    edges,
    topology: JSON.stringify([nodes.map(({ name }) => name), edges.map(keyOf)]),
    moreServices: busiest.length - nodes.length,
    moreEdges: between.length - edges.length,
    truncated: answer.truncated,
  };
}

/** The name of an edge. */
export function keyOf({ caller, callee }: Pick<MapEdge, "caller" | "callee">): string {
  return JSON.stringify([caller, callee]);
}

/** What the picture does not show, in words; empty: nothing. */
export function omitted({ nodes, moreServices, moreEdges, truncated }: ServiceMap): string {
  const parts: string[] = [];
  if (moreServices > 0) parts.push(`the ${nodes.length} busiest of ${nodes.length + moreServices} services`);
  if (moreEdges > 0) parts.push(`the ${MOST_EDGES} busiest of ${MOST_EDGES + moreEdges} calls between them`);
  if (truncated) parts.push("there is more than one answer holds");
  return parts.join(", ");
}

/** The most calls, made and answered, first. */
function namesByCalls(edges: CallRow[]): string[] {
  const calls = new Map<string, number>();
  for (const edge of edges) {
    for (const name of [edge.caller, edge.callee]) {
      calls.set(name, (calls.get(name) ?? 0) + edge.calls);
    }
  }
  return [...calls]
    .sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1))
    .map(([name]) => name);
}

/** A caller may have begun before the time that is shown: then there is no row. */
function nodeOf(name: string, row: ServiceRow | undefined, seconds: number): MapNode {
  if (!row) return { name, rate: NaN, of: "requests", errorRatio: NaN };
  const asked = row.requests > 0;
  const [count, errors] = asked ? [row.requests, row.failed_requests] : [row.spans, row.errors];
  return { name, rate: count / seconds, of: asked ? "requests" : "spans", errorRatio: errors / count };
}

function edgeOf({ caller, callee, rate, error_ratio, p95_ms }: CallRow): MapEdge {
  return { caller, callee, rate, errorRatio: error_ratio, p95Ms: p95_ms ?? NaN };
}
