/** The top of a y axis: round, and calm. It grows at once and shrinks only after a while. */
import type { Unit } from "../units";

const SHRINK_AFTER_PAINTS = 30;
const STEPS = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** The least top of an axis: an empty chart must not zoom into noise. */
const FLOOR: Partial<Record<Unit, number>> = {
  per_second: 10,
  ms: 0.01,
  ratio: 1,
  bytes: 1024,
  bytes_per_second: 1024,
};
/** Where all is zero and the unit has no least top. */
const TOP_OF_ZERO = 1;

export class CalmTop {
  private top = 0;
  private paintsTooHigh = 0;

  constructor(private readonly unit: Unit) {}

  /** Another picture follows: nothing of this one is to be kept calm. */
  reset(): void {
    this.top = 0;
  }

  /** Takes the greatest value shown, returns where the axis ends. */
  next(max: number): number {
    const wanted = roundTop(this.unit, Math.max(max * 1.05, FLOOR[this.unit] ?? 0) || TOP_OF_ZERO);
    if (wanted >= this.top) this.paintsTooHigh = 0;
    else this.paintsTooHigh += 1;
    if (wanted > this.top || this.paintsTooHigh > SHRINK_AFTER_PAINTS) {
      this.top = wanted;
      this.paintsTooHigh = 0;
    }
    return this.top;
  }
}

export function roundTop(unit: Unit, value: number): number {
  if (unit === "ratio" && value <= 1.05) return 1;
  const binary = unit === "bytes" || unit === "bytes_per_second";
  const magnitude = binary
    ? 1024 ** Math.floor(Math.log2(value) / 10)
    : 10 ** Math.floor(Math.log10(value));
  if (!binary) return (STEPS.find((step) => step * magnitude >= value) ?? 10) * magnitude;
  return 2 ** Math.ceil(Math.log2(value / magnitude)) * magnitude;
}
