/** The windows of one panel: a ring of float32 per series and measure. */
import { HeatRows } from "./heat";
import { WINDOW_MS } from "./protocol";
import type { PanelUpdate, Series } from "./protocol";

/** Ten minutes of windows, as much as the server's ring holds by default. */
export const RING_WINDOWS = 6000;

let rings = 0;

export class PanelRing {
  /** Tells rings apart: which one a panel shows can change. */
  readonly id = (rings += 1);
  series: Series[] = [];
  /** Grows with every change of the set of series; charts rebuild on it. */
  seriesVersion = 0;
  /** Grows with every change of the values; charts repaint on it. */
  version = 0;
  /** True once a history has come. */
  filled = false;
  /** Nothing is known after this window, not even that nothing happened. */
  knownUntil = Infinity;

  /** Steps count from here: the remainder of a small integer is ten times quicker. */
  private origin = 0;
  /** Newest step with a value of any series; -1 while there is none. */
  private newestStep = -1;
  /** Steps before this one were never asked for, or have left the ring. */
  private oldestStep = 0;
  private newestBySeries: number[] = [];
  private columns = new Map<string, Float32Array>();
  /** Counts by bucket and window, where the panel has a heatmap. */
  readonly heat: HeatRows;

  /** `unit`: how many windows one step, a value of the ring, stands for. `capacity`: of steps. */
  constructor(
    private capacity: number = RING_WINDOWS,
    public unit: number = 1,
  ) {
    this.heat = new HeatRows(capacity);
  }

  /** Forgets everything: the epoch it came from is over. */
  clear(): void {
    this.series = [];
    this.columns.clear();
    this.heat.clear();
    this.newestBySeries = [];
    this.newestStep = -1;
    this.filled = false;
    this.seriesVersion += 1;
    this.version += 1;
  }

  /** Takes a history or a delta, in steps. `oldestStep`: where the server's history begins. */
  apply(update: PanelUpdate, oldestStep: number): void {
    if (update.reset) {
      this.clear();
      this.setUnit(Math.round(update.resolutionMs / WINDOW_MS));
      this.filled = true;
      this.series = update.series;
      this.newestBySeries = update.series.map(() => -1);
      this.oldestStep = oldestStep;
      this.origin = update.firstWindow - this.capacity;
    }
    if (update.series.length !== this.series.length) return;
    const { offsets } = update;
    const count = offsets.length;
    if (count > 0) this.advance(update.firstWindow + offsets[count - 1]!);
    for (const [measure, values] of update.values) {
      if (measure === "heatmap") this.writeHeat(values, update);
      else this.write(measure, values, update);
    }
    this.version += 1;
  }

  /** The value of a series in a window; NaN where there is none. */
  value(measure: string, series: number, window: number): number {
    const column = this.columns.get(measure);
    if (!column || !this.holds(Math.floor(window / this.unit))) return NaN;
    return column[series * this.capacity + this.slot(window)]!;
  }

  /** All slots of one series, by `slot(window)`. */
  slots(measure: string, series: number): Float32Array | null {
    const column = this.columns.get(measure);
    return column?.subarray(series * this.capacity, (series + 1) * this.capacity) ?? null;
  }

  /** Where a held window's value stands in `slots`. */
  slot(window: number): number {
    return this.slotOfStep(this.unit === 1 ? window : Math.floor(window / this.unit));
  }

  /** The newest window with a value of any series; -1 while there is none. */
  get newestWindow(): number {
    return this.lastWindowOf(this.newestStep);
  }

  /** The newest window with a value of this series; -1 while there is none. */
  newestOf(series: number): number {
    return this.lastWindowOf(this.newestBySeries[series] ?? -1);
  }

  /** The oldest window whose slot is still its own. */
  get firstHeld(): number {
    return Math.max(this.oldestStep, this.newestStep - this.capacity + 1) * this.unit;
  }

  /** The same time in other steps. */
  private setUnit(unit: number): void {
    this.capacity = Math.ceil((this.capacity * this.unit) / unit);
    this.unit = unit;
  }

  private lastWindowOf(step: number): number {
    return (step + 1) * this.unit - 1;
  }

  private slotOfStep(step: number): number {
    return ((step - this.origin) | 0) % this.capacity;
  }

  private holds(step: number): boolean {
    return step <= this.newestStep && step > this.newestStep - this.capacity;
  }

  /** Moves the ring's end, emptying the slots that now stand for newer steps. */
  private advance(newest: number): void {
    if (newest <= this.newestStep) return;
    const from = Math.max(this.newestStep + 1, newest - this.capacity + 1);
    for (const column of this.columns.values()) {
      for (let series = 0; series < this.series.length; series += 1) {
        for (let step = from; step <= newest; step += 1) {
          column[series * this.capacity + this.slotOfStep(step)] = NaN;
        }
      }
    }
    for (let step = from; step <= newest; step += 1) this.heat.empty(this.slotOfStep(step));
    this.newestStep = newest;
  }

  private writeHeat(values: Float32Array, { offsets, firstWindow, buckets }: PanelUpdate): void {
    // What is not said of a window that is sent is zero.
    for (const offset of offsets) {
      if (this.holds(firstWindow + offset)) this.heat.empty(this.slotOfStep(firstWindow + offset));
    }
    for (let bucket = 0; bucket * 2 < buckets.length; bucket += 1) {
      const row = this.heat.row(buckets[bucket * 2]!, buckets[bucket * 2 + 1]!);
      for (let i = 0; i < offsets.length; i += 1) {
        const step = firstWindow + offsets[i]!;
        if (this.holds(step)) row[this.slotOfStep(step)]! += values[bucket * offsets.length + i]!;
      }
    }
  }

  private write(measure: string, values: Float32Array, update: PanelUpdate): void {
    const column = this.column(measure);
    const { offsets, firstWindow } = update;
    const count = offsets.length;
    for (let series = 0; series < this.series.length; series += 1) {
      let newest = this.newestBySeries[series]!;
      for (let i = 0; i < count; i += 1) {
        const step = firstWindow + offsets[i]!;
        if (!this.holds(step)) continue;
        const value = values[series * count + i]!;
        column[series * this.capacity + this.slotOfStep(step)] = value;
        if (step > newest && !Number.isNaN(value)) newest = step;
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
