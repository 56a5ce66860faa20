/** The numbers of one series in words and tables: of windows that slide, as of their last step. */
import type { PanelRing } from "../live/ring";

/** How far back the numbers look: what happens once in a while must not make them jump. */
export const NUMBERS_MS = 10_000;
export const NUMBERS_SPAN = "last 10 s";

/** Numbers older than this say nothing about now. */
const STALE_WINDOWS = 100;

/** A measure's value in the last step that had ended as of a window; NaN: none that is known. */
export function numberAsOf(
  ring: PanelRing,
  measure: string,
  series: number,
  asOf: number,
): number {
  const ended = Math.floor((asOf + 1) / ring.unit) * ring.unit - 1;
  const window = Math.min(ended, ring.newestWindow);
  if (asOf - window > STALE_WINDOWS + ring.unit) return NaN;
  return ring.value(measure, series, window);
}
