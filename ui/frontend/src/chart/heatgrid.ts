/** From counts by bucket and window to the cells of a picture. Pure: no DOM. */
import type { PanelRing } from "../live/ring";
import type { Grid } from "./sample";

/** Rows of the picture to an octave of values; finer buckets than these do not come. */
export const ROWS_PER_OCTAVE = 2;
const MOST_ROWS = 64;

/** `cells[row * columns + column]`; row 0 holds the smallest values. */
export interface HeatGrid {
  columns: number;
  rows: number;
  /** The row that begins at value 1, counted from row 0. */
  firstRow: number;
  cells: Float32Array;
  most: number;
}

/** What was seen at zero or below has no place on a logarithmic scale: it is left out. */
export function heatGrid(ring: PanelRing, grid: Grid): HeatGrid | null {
  let low = Infinity;
  let high = -Infinity;
  for (const { lower, upper } of ring.heat.rows) {
    if (!(upper > 0)) continue;
    const [from, until] = rowsOf(lower, upper);
    low = Math.min(low, from);
    high = Math.max(high, until);
  }
  if (!(low < high)) return null;
  low = Math.max(low, high - MOST_ROWS);
  const rows = high - low;
  const columns = grid.buckets;
  const cells = new Float32Array(rows * columns);
  let most = 0;
  for (const { lower, upper, counts } of ring.heat.rows) {
    if (!(upper > 0)) continue;
    const [from, until] = rowsOf(lower, upper).map((row) => Math.max(0, row - low)) as [number, number];
    for (let column = 0; column < columns; column += 1) {
      const count = countIn(ring, counts, grid, column);
      if (count === 0) continue;
      for (let row = from; row < until; row += 1) cells[row * columns + column]! += count;
    }
  }
  for (const count of cells) if (count > most) most = count;
  return { columns, rows, firstRow: low, cells, most };
}

function countIn(ring: PanelRing, counts: Float32Array, grid: Grid, column: number): number {
  const first = grid.first + column * grid.step;
  const end = Math.min(first + grid.step, ring.newestWindow + 1);
  let sum = 0;
  for (let window = Math.max(first, ring.firstHeld); window < end; window += ring.unit) {
    sum += counts[ring.slot(window)]!;
  }
  return sum;
}

/** Limits are float32: what is a hair off belongs to the row it means. */
const HAIR = 1e-3;

/** First row and the one after the last. A bucket with an open end has one octave, or less. */
function rowsOf(lower: number, upper: number): [from: number, until: number] {
  const bottom = lower > 0 ? lower : upper / 2;
  const top = Number.isFinite(upper) ? upper : bottom * 2;
  return [
    Math.floor(Math.log2(bottom) * ROWS_PER_OCTAVE + HAIR),
    Math.ceil(Math.log2(top) * ROWS_PER_OCTAVE - HAIR),
  ];
}
