/** The page's state as the query of its address, so that a link shows the same picture. */

export const RANGES = { "1m": 60_000, "5m": 300_000, "10m": 600_000 } as const;
export type Range = keyof typeof RANGES;

/** A fixed piece of time, Unix ms. */
export interface Zoom {
  fromMs: number;
  toMs: number;
}

export interface PageState {
  page: string;
  /** Empty: all services. */
  service: string;
  range: Range;
  zoom: Zoom | null;
}

export const DEFAULT_STATE: PageState = { page: "live", service: "", range: "1m", zoom: null };

/** Reads an address's query; what is missing or makes no sense is the default. */
export function parseState(search: string): PageState {
  const query = new URLSearchParams(search);
  const range = query.get("range") ?? "";
  return {
    page: query.get("page") ?? DEFAULT_STATE.page,
    service: query.get("service") ?? DEFAULT_STATE.service,
    range: Object.hasOwn(RANGES, range) ? (range as Range) : DEFAULT_STATE.range,
    zoom: parseZoom(query.get("from"), query.get("to")),
  };
}

/** The query of a state, with its `?`; empty for the default. */
export function formatState(state: PageState): string {
  const query = new URLSearchParams();
  if (state.page !== DEFAULT_STATE.page) query.set("page", state.page);
  if (state.service !== DEFAULT_STATE.service) query.set("service", state.service);
  if (state.range !== DEFAULT_STATE.range) query.set("range", state.range);
  if (state.zoom) {
    query.set("from", new Date(state.zoom.fromMs).toISOString());
    query.set("to", new Date(state.zoom.toMs).toISOString());
  }
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function parseZoom(from: string | null, to: string | null): Zoom | null {
  const zoom = { fromMs: Date.parse(from ?? ""), toMs: Date.parse(to ?? "") };
  return zoom.fromMs < zoom.toMs ? zoom : null;
}
