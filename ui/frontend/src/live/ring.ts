/** The windows of one panel: a ring of float32 per series and measure. */
import type { PanelUpdate, Series } from "./protocol";

/** Ten minutes of windows, as much as the server's ring holds by default. */
export const RING_WINDOWS = 6000;

export class PanelRing {
  series: Series[] = [];
  /** Grows with every change of the set of series; charts rebuild on it. */
  seriesVersion = 0;
  /** Grows with every change of the values; charts repaint on it. */
  version = 0;
  /** True once a history has come. */
  filled = false;
  /** Newest window with a value of any series; -1 while there is none. */
  newestWindow = -1;
  /** Windows before this one were never asked for, or have left the ring. */
  oldestWindow = 0;

  /** Slots count from here: the remainder of a small integer is ten times quicker. */
  private origin = 0;
  private newestBySeries: number[] = [];
  private columns = new Map<string, Float32Array>();

  constructor(readonly capacity: number = RING_WINDOWS) {}

  /** Forgets everything: the epoch it came from is over. */
  clear(): void {
    this.series = [];
    this.columns.clear();
    this.newestBySeries = [];
    this.newestWindow = -1;
    this.filled = false;
    this.seriesVersion += 1;
    this.version += 1;
  }

  /** Takes a history or a delta. `oldestWindow`: where the server's history begins. */
  apply(update: PanelUpdate, oldestWindow: number): void {
    if (update.reset) {
      this.clear();
      this.filled = true;
      this.series = update.series;
      this.newestBySeries = update.series.map(() => -1);
      this.oldestWindow = oldestWindow;
      this.origin = update.firstWindow - this.capacity;
    }
    if (update.series.length !== this.series.length) return;
    const { offsets } = update;
    const count = offsets.length;
    if (count > 0) this.advance(update.firstWindow + offsets[count - 1]!);
    for (const [measure, values] of update.values) this.write(measure, values, update);
    this.version += 1;
  }

  /** The value of a series in a window; NaN where there is none. */
  value(measure: string, series: number, window: number): number {
    const column = this.columns.get(measure);
    if (!column || !this.holds(window)) return NaN;
    return column[series * this.capacity + this.slot(window)]!;
  }

  /** All slots of one series, by `slot(window)`. */
  slots(measure: string, series: number): Float32Array | null {
    const column = this.columns.get(measure);
    return column?.subarray(series * this.capacity, (series + 1) * this.capacity) ?? null;
  }

  /** Where a held window's value stands in `slots`. */
  slot(window: number): number {
    return ((window - this.origin) | 0) % this.capacity;
  }

  /** The newest window with a value of this series; -1 while there is none. */
  newestOf(series: number): number {
    return this.newestBySeries[series] ?? -1;
  }

  /** The oldest window whose slot is still its own. */
  get firstHeld(): number {
    return Math.max(this.oldestWindow, this.newestWindow - this.capacity + 1);
  }

  private holds(window: number): boolean {
    return window <= this.newestWindow && window > this.newestWindow - this.capacity;
  }

  /** Moves the ring's end, emptying the slots that now stand for newer windows. */
  private advance(newest: number): void {
    if (newest <= this.newestWindow) return;
    const from = Math.max(this.newestWindow + 1, newest - this.capacity + 1);
    for (const column of this.columns.values()) {
      for (let series = 0; series < this.series.length; series += 1) {
        for (let window = from; window <= newest; window += 1) {
          column[series * this.capacity + this.slot(window)] = NaN;
        }
      }
    }
    this.newestWindow = newest;
  }

  private write(measure: string, values: Float32Array, update: PanelUpdate): void {
    const column = this.column(measure);
    const { offsets, firstWindow } = update;
    const count = offsets.length;
    for (let series = 0; series < this.series.length; series += 1) {
      let newest = this.newestBySeries[series]!;
      for (let i = 0; i < count; i += 1) {
        const window = firstWindow + offsets[i]!;
        if (!this.holds(window)) continue;
        const value = values[series * count + i]!;
        column[series * this.capacity + this.slot(window)] = value;
        if (window > newest && !Number.isNaN(value)) newest = window;
      }
      this.newestBySeries[series] = newest;
    }
  }

  private column(measure: string): Float32Array {
    let column = this.columns.get(measure);
    if (!column) {
      column = new Float32Array(this.series.length * this.capacity).fill(NaN);
      this.columns.set(measure, column);
    }
    return column;
  }
}
