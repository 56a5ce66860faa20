/** `GET /api/history`: past windows of a selection, as a ring that charts read like a live one. */
import { decode } from "@msgpack/msgpack";
import { WINDOW_MS, decodePanel } from "../live/protocol";
import type { Selection } from "../live/protocol";
import { PanelRing } from "../live/ring";
import type { TimeSpan } from "../state/url";

/** A panel of the live protocol, with windows of `resolution_ms`. */
export const MEDIA_TYPE = "application/msgpack";

/** Points that one answer may have; three times what is shown is asked for. */
const MAX_VALUES = 200_000;
const LEAST_POINTS = 120;
const MOST_POINTS = 1_800;
const DEFAULT_LIMIT = 40;

/** The address that answers a selection over a piece of time. */
export function historyUrl(selection: Selection, { fromMs, toMs }: TimeSpan): string {
  const { measures, limit, window_ms, ...filters } = selection;
  const query = new URLSearchParams({
    ...filters,
    measures: measures.join(","),
    from_ms: String(Math.round(fromMs)),
    to_ms: String(Math.round(toMs)),
    points: String(pointsFor(selection)),
  });
  if (limit !== undefined) query.set("limit", String(limit));
  if (window_ms !== undefined) query.set("window_ms", String(window_ms));
  return `/api/history?${query.toString()}`;
}

function pointsFor({ measures, group_by, limit = DEFAULT_LIMIT }: Selection): number {
  const lines = measures.length * (group_by === undefined ? 1 : limit);
  return Math.min(MOST_POINTS, Math.max(LEAST_POINTS, Math.floor(MAX_VALUES / lines)));
}

/** The answer as a ring. Throws TypeError or RangeError when it is not one. */
export function ringOf(bytes: Uint8Array): PanelRing {
  const raw = decode(bytes) as Record<string, unknown>;
  const resolutionMs = raw["resolution_ms"];
  if (typeof resolutionMs !== "number" || !(resolutionMs >= WINDOW_MS)) {
    throw new TypeError("The history has no resolution.");
  }
  const update = decodePanel(raw);
  const length = (update.offsets.at(-1) ?? 0) + 1;
  const ring = new PanelRing(length, Math.round(resolutionMs / WINDOW_MS));
  ring.apply(update, update.firstWindow);
  ring.knownUntil = (update.firstWindow + length) * ring.unit - 1;
  return ring;
}
