/** `GET /api/history`: past windows of a selection, as a ring that charts read like a live one. */
import { WINDOW_MS } from "../live/protocol";
import type { Selection, Series } from "../live/protocol";
import { PanelRing } from "../live/ring";
import type { TimeSpan } from "../state/url";

export interface HistoryAnswer {
  resolution_ms: number;
  from_ms: number;
  to_ms: number;
  series: Series[];
  times_ms: number[];
  /** Measure -> series -> one value for each time; null is a gap. */
  values: Record<string, (number | null)[][]>;
  source: string;
}

/** Values that one answer may have: JSON is read on the main thread. */
const MAX_VALUES = 60_000;
const LEAST_POINTS = 120;
const MOST_POINTS = 1_800;
const DEFAULT_LIMIT = 40;

/** The address that answers a selection over a piece of time. */
export function historyUrl(selection: Selection, { fromMs, toMs }: TimeSpan): string {
  const { measures, limit, ...filters } = selection;
  const query = new URLSearchParams({
    ...filters,
    measures: measures.join(","),
    from_ms: String(Math.round(fromMs)),
    to_ms: String(Math.round(toMs)),
    points: String(pointsFor(selection)),
  });
  if (limit !== undefined) query.set("limit", String(limit));
  return `/api/history?${query.toString()}`;
}

function pointsFor({ measures, group_by, limit = DEFAULT_LIMIT }: Selection): number {
  const lines = measures.length * (group_by === undefined ? 1 : limit);
  return Math.min(MOST_POINTS, Math.max(LEAST_POINTS, Math.floor(MAX_VALUES / lines)));
}

/** The answer as a ring. Throws TypeError when it is not one. */
export function ringOf(answer: HistoryAnswer): PanelRing {
  const { series, times_ms: times, values, resolution_ms: resolutionMs } = answer;
  if (!Array.isArray(times) || !(resolutionMs >= WINDOW_MS)) {
    throw new TypeError("The history has no times.");
  }
  const first = Math.floor((times[0] ?? answer.from_ms) / resolutionMs);
  const offsets = Uint16Array.from(times, (time) => Math.floor(time / resolutionMs) - first);
  const unit = Math.round(resolutionMs / WINDOW_MS);
  const ring = new PanelRing(Math.max(1, (offsets.at(-1) ?? 0) + 1), unit);
  const columns = Object.entries(values).map(
    ([measure, rows]) => [measure, flat(rows, times.length)] as const,
  );
  ring.apply(
    { id: 0, reset: true, series, firstWindow: first, offsets, values: new Map(columns) },
    first,
  );
  ring.knownUntil = Math.ceil(answer.to_ms / WINDOW_MS) - 1;
  return ring;
}

function flat(rows: (number | null)[][], length: number): Float32Array {
  const column = new Float32Array(rows.length * length);
  rows.forEach((row, series) => {
    for (let i = 0; i < length; i += 1) column[series * length + i] = row[i] ?? NaN;
  });
  return column;
}
