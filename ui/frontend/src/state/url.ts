/** The page's state as the query of its address, so that a link shows the same picture. */

export const RANGES = { "1m": 60_000, "5m": 300_000, "10m": 600_000 } as const;
export type Range = keyof typeof RANGES;

/** What the metrics page shows. */
export interface MetricChoice {
  /** Empty: none chosen. */
  name: string;
  /** Empty: the first that the metric's type has. */
  aggregation: string;
  /** `service`, `attribute:KEY` or empty. */
  groupBy: string;
}

/** A piece of time, Unix ms. */
export interface TimeSpan {
  fromMs: number;
  toMs: number;
}

export interface PageState {
  page: string;
  /** Empty: all services. */
  service: string;
  range: Range;
  /** Instead of the live end. */
  fixedTime: TimeSpan | null;
  metric: MetricChoice;
  /** What `/api/traces` is asked for in the panel at the side; empty: it is closed. */
  traces: string;
  /** Its id; empty: the list of them. */
  dashboard: string;
}

/** No date of JavaScript is later. */
const LAST_MS = 8.64e15;

export const NO_METRIC: MetricChoice = { name: "", aggregation: "", groupBy: "" };

export const DEFAULT_STATE: PageState = {
  page: "live",
  service: "",
  range: "1m",
  fixedTime: null,
  metric: NO_METRIC,
  traces: "",
  dashboard: "",
};

/** Reads an address's query; what is missing or makes no sense is the default. */
export function parseState(search: string): PageState {
  const query = new URLSearchParams(search);
  const range = query.get("range") ?? "";
  return {
    page: query.get("page") ?? DEFAULT_STATE.page,
    service: query.get("service") ?? DEFAULT_STATE.service,
    range: Object.hasOwn(RANGES, range) ? (range as Range) : DEFAULT_STATE.range,
    fixedTime: parseSpan(query.get("from"), query.get("to")),
    metric: {
      name: query.get("metric") ?? "",
      aggregation: query.get("show") ?? "",
      groupBy: query.get("by") ?? "",
    },
    traces: query.get("traces") ?? DEFAULT_STATE.traces,
    dashboard: query.get("dashboard") ?? DEFAULT_STATE.dashboard,
  };
}

/** The query of a state, with its `?`; empty for the default. */
export function formatState(state: PageState): string {
  const query = new URLSearchParams();
  if (state.page !== DEFAULT_STATE.page) query.set("page", state.page);
  if (state.service !== DEFAULT_STATE.service) query.set("service", state.service);
  if (state.range !== DEFAULT_STATE.range) query.set("range", state.range);
  if (state.fixedTime) {
    query.set("from", String(Math.round(state.fixedTime.fromMs)));
    query.set("to", String(Math.round(state.fixedTime.toMs)));
  }
  if (state.metric.name !== "") query.set("metric", state.metric.name);
  if (state.metric.aggregation !== "") query.set("show", state.metric.aggregation);
  if (state.metric.groupBy !== "") query.set("by", state.metric.groupBy);
  if (state.traces !== "") query.set("traces", state.traces);
  if (state.dashboard !== "") query.set("dashboard", state.dashboard);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function parseSpan(from: string | null, to: string | null): TimeSpan | null {
  const span = { fromMs: parseTime(from), toMs: parseTime(to) };
  return span.fromMs >= 0 && span.fromMs < span.toMs && span.toMs < LAST_MS ? span : null;
}

/** Unix ms, or what people write: 2026-11-20T12:00:00Z. NaN when it is neither. */
function parseTime(text: string | null): number {
  if (text === null) return NaN;
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}
