/** Event to pixel: how old the newest event of a frame was when it was painted. */

const FRAMES = 100;

export class Freshness {
  private ages = new Float64Array(FRAMES);
  private sorted = new Float64Array(FRAMES);
  private count = 0;

  add(ageMs: number): void {
    this.ages[this.count % FRAMES] = ageMs;
    this.count += 1;
  }

  clear(): void {
    this.count = 0;
  }

  /** The nearest-rank percentile of the last 100 frames; NaN while there is none. */
  percentile(q: number): number {
    const held = Math.min(this.count, FRAMES);
    if (held === 0) return NaN;
    const sorted = this.sorted.subarray(0, held);
    sorted.set(this.ages.subarray(0, held));
    sorted.sort();
    return sorted[Math.max(0, Math.ceil(q * held) - 1)]!;
  }
}
