/** The numbers of one series of spans as of a window, for a row of a table. */
import type { PanelRing } from "../live/ring";
import { LineReader } from "./sample";

/** A mean over less would jump where something happens once in a while. */
export const NUMBERS_WINDOWS = 100;

export interface Numbers {
  /** Per second, mean of the last 10 s. */
  mean(measure: string): number;
  /** The value of the newest window that has one, of the last 10 s; else NaN. */
  newest(measure: string): number;
  /** The greatest value of a window of the last 10 s; NaN: there is none. */
  greatest(measure: string): number;
}

/** Of history the last window may be longer than 10 s; then it is the numbers' time. */
export function numbersOf(ring: PanelRing, series: number, asOf: number): Numbers {
  const windows = Math.max(NUMBERS_WINDOWS, ring.unit);
  const reader = (measure: string, kind: "rate" | "percentile"): LineReader =>
    new LineReader({ ring, measure, series, kind }, asOf);
  return {
    mean: (measure) => reader(measure, "rate").meanUntil(asOf, windows),
    newest: (measure) => reader(measure, "percentile").summary(asOf),
    greatest: (measure) => {
      const values = reader(measure, "percentile");
      let greatest = NaN;
      for (let window = asOf; window > asOf - windows; window -= ring.unit) {
        const value = values.at(window);
        if (!(value <= greatest) && !Number.isNaN(value)) greatest = value;
      }
      return greatest;
    },
  };
}
