/** Which windows the charts show: the live end, or the piece of time that was chosen. */
import { WINDOW_MS } from "../live/protocol";
import { RANGES } from "../state/url";
import type { Range, TimeSpan } from "../state/url";

export interface View {
  from: number;
  to: number;
}

/** The piece of time of a view. */
export function spanOf({ from, to }: View): TimeSpan {
  return { fromMs: from * WINDOW_MS, toMs: to * WINDOW_MS };
}

/** First and last window shown. */
export function viewOf(endWindow: number, range: Range, fixed: TimeSpan | null): View {
  if (fixed) {
    return { from: Math.floor(fixed.fromMs / WINDOW_MS), to: Math.ceil(fixed.toMs / WINDOW_MS) };
  }
  return { from: endWindow - RANGES[range] / WINDOW_MS + 1, to: endWindow };
}
