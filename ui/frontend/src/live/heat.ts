/** The cells of a heatmap: for every bucket that was ever seen, its counts by slot of the ring. */

export interface HeatRow {
  lower: number;
  upper: number;
  counts: Float32Array;
}

export class HeatRows {
  private readonly byLimits = new Map<string, HeatRow>();

  constructor(private readonly capacity: number) {}

  /** In no order. */
  get rows(): Iterable<HeatRow> {
    return this.byLimits.values();
  }

  clear(): void {
    this.byLimits.clear();
  }

  /** The counts of a bucket, made when it is new. */
  row(lower: number, upper: number): Float32Array {
    const key = `${lower} ${upper}`;
    let row = this.byLimits.get(key);
    if (!row) {
      row = { lower, upper, counts: new Float32Array(this.capacity) };
      this.byLimits.set(key, row);
    }
    return row.counts;
  }

  empty(slot: number): void {
    for (const { counts } of this.byLimits.values()) counts[slot] = 0;
  }
}
