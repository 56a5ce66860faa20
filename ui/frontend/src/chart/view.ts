/** Which windows the charts show: the live end, or the piece of time that was chosen. */
import { WINDOW_MS } from "../live/protocol";
import { RANGES } from "../state/url";
import type { Range, Zoom } from "../state/url";

export interface View {
  from: number;
  to: number;
}

/** First and last window shown. */
export function viewOf(endWindow: number, range: Range, zoom: Zoom | null): View {
  if (zoom) {
    return { from: Math.floor(zoom.fromMs / WINDOW_MS), to: Math.ceil(zoom.toMs / WINDOW_MS) };
  }
  return { from: endWindow - RANGES[range] / WINDOW_MS + 1, to: endWindow };
}
