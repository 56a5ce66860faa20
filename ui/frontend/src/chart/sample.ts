/** From rings to the points of a line, at most two a pixel. Pure: no DOM, no clock. */
import { WINDOW_MS } from "../live/protocol";
import type { PanelRing } from "../live/ring";

/**
 * What an empty window means. `rate`: nothing came, so zero. `gauge`: it was not looked at, the
 * line goes on to the next point. `percentile`: there was nothing to measure, so the line goes on
 * over a short gap only.
 */
export type Kind = "rate" | "gauge" | "percentile";

/** uPlot's language: null ends the line, undefined lets it go on to the next point. */
export type Point = number | null | undefined;

export interface Line {
  ring: PanelRing;
  measure: string;
  series: number;
  kind: Kind;
}

/** SDKs send spans every 5 s: before that, an empty window may only be a late one. */
const SETTLE_WINDOWS = 60;
const SECOND_WINDOWS = 10;
/** A value older than this says nothing about now. */
const STALE_WINDOWS = 100;
/** Over so many empty windows a line goes on. */
const BRIDGE_WINDOWS: Record<Kind, number> = {
  rate: 0,
  gauge: STALE_WINDOWS,
  percentile: 20,
};

/** The points of a range of windows. A bucket of several windows has two: its least and most. */
export class Grid {
  readonly step: number;
  readonly first: number;
  readonly buckets: number;

  /** `unit`: of how many windows the rings know one value. */
  constructor(
    from: number,
    to: number,
    pixels: number,
    private readonly unit = 1,
  ) {
    this.step = Math.max(1, Math.ceil((to - from + 1) / unit / Math.max(1, pixels))) * unit;
    // Whole multiples of the step: a window stays in its bucket while the picture moves.
    this.first = Math.floor(from / this.step) * this.step;
    this.buckets = Math.floor(to / this.step) - this.first / this.step + 1;
  }

  get points(): number {
    return this.buckets * this.pointsPerBucket;
  }

  get pointsPerBucket(): number {
    return this.step === this.unit ? 1 : 2;
  }

  /** Unix ms of every point. */
  fillTimes(times: number[]): void {
    times.length = this.points;
    const pointMs = (this.step * WINDOW_MS * this.buckets) / this.points;
    for (let i = 0; i < times.length; i += 1) times[i] = this.first * WINDOW_MS + i * pointMs;
  }
}

/** Reads one line as of an end window. Made anew for every paint: rings change between them. */
export class LineReader {
  /** The newest window of which the value is known. */
  readonly known: number;
  /** Of how many windows it knows one value. */
  readonly unit: number;
  private readonly first: number;
  private readonly newest: number;
  private readonly ring: PanelRing;
  private readonly slots: Float32Array | null;
  private readonly kind: Kind;
  private readonly empty: number;

  constructor(line: Line, endWindow: number) {
    const { ring, kind } = line;
    const newest = ring.newestOf(line.series);
    const settled = Math.min(endWindow - SETTLE_WINDOWS, ring.knownUntil);
    this.known = Math.min(kind === "rate" ? Math.max(newest, settled) : newest, endWindow);
    this.first = ring.firstHeld;
    this.newest = ring.newestWindow;
    this.ring = ring;
    this.slots = ring.slots(line.measure, line.series);
    this.kind = kind;
    this.unit = ring.unit;
    this.empty = kind === "rate" ? 0 : NaN;
  }

  /** Whether anything may be known of these windows. */
  covers(from: number, to: number): boolean {
    return from <= this.known && to >= this.first;
  }

  /** One window's value; NaN where there is none, or none yet. */
  at(window: number): number {
    if (window > this.known || window < this.first || this.slots === null) return NaN;
    if (window > this.newest) return this.empty;
    const value = this.slots[this.ring.slot(window)] as number;
    return Number.isNaN(value) ? this.empty : value;
  }

  /** The mean of the `windows` windows up to `window`, gaps left out; NaN: nothing to average. */
  meanUntil(window: number, windows: number): number {
    let sum = 0;
    let count = 0;
    for (let i = window; i > window - windows; i -= this.unit) {
      const value = this.at(i);
      if (!Number.isNaN(value)) {
        sum += value;
        count += 1;
      }
    }
    return count === 0 ? NaN : sum / count;
  }

  /** The greatest value of the `windows` windows up to `window`; NaN: there is none. */
  greatestUntil(window: number, windows: number): number {
    let greatest = NaN;
    for (let i = window; i > window - windows; i -= this.unit) {
      const value = this.at(i);
      if (!(value <= greatest) && !Number.isNaN(value)) greatest = value;
    }
    return greatest;
  }

  /** What a number beside the line says: a rate's last second, or a gauge's newest value. */
  summary(endWindow: number): number {
    if (this.kind === "rate") return this.meanUntil(this.known, SECOND_WINDOWS);
    return this.latest(endWindow);
  }

  /** The newest value, unless it is too old to say something about `endWindow`; then NaN. */
  private latest(endWindow: number): number {
    const oldest = endWindow - Math.max(STALE_WINDOWS, this.unit);
    for (let window = this.known; window > oldest; window -= this.unit) {
      const value = this.at(window);
      if (!Number.isNaN(value)) return value;
    }
    return NaN;
  }
}

/** Writes the line's points of the grid to `out`. Returns false when there is none to draw. */
export function sampleLine(line: Line, grid: Grid, endWindow: number, out: Point[]): boolean {
  out.length = grid.points;
  const reader = new LineReader(line, endWindow);
  const perBucket = grid.pointsPerBucket;
  const bridgeBuckets = Math.max(1, Math.floor(BRIDGE_WINDOWS[line.kind] / grid.step));
  let gapStart = -1;
  let any = false;
  for (let bucket = 0; bucket < grid.buckets; bucket += 1) {
    const at = bucket * perBucket;
    if (writeBucket(reader, grid, bucket, out, at)) {
      if (gapStart >= 0 && bucket - gapStart > bridgeBuckets) {
        out.fill(null, gapStart * perBucket, at);
      }
      gapStart = -1;
      any = true;
    } else if (gapStart < 0) gapStart = bucket;
  }
  return any;
}

/** Over so many windows a rate is averaged; fewer are a comb, not a line. */
export const AVERAGE_WINDOWS = SECOND_WINDOWS;

/** Writes a rate's moving average to `out`, one point a bucket: the mean up to the bucket's end. */
export function sampleMean(line: Line, grid: Grid, endWindow: number, out: Point[]): void {
  const reader = new LineReader(line, endWindow);
  const windows = Math.max(AVERAGE_WINDOWS, grid.step);
  const perBucket = grid.pointsPerBucket;
  const means = new MovingMean(reader, windows);
  out.length = grid.points;
  for (let bucket = 0; bucket < grid.buckets; bucket += 1) {
    const last = grid.first + (bucket + 1) * grid.step - 1;
    const mean = last > reader.known ? NaN : means.until(last);
    out[bucket * perBucket] = Number.isNaN(mean) ? null : mean;
    if (perBucket === 2) out[bucket * 2 + 1] = undefined;
  }
}

/** Means that overlap: each takes in what is new and lets go what is old. */
class MovingMean {
  private sum = 0;
  private count = 0;
  private last = -Infinity;

  constructor(
    private readonly reader: LineReader,
    private readonly windows: number,
  ) {}

  /** The mean up to a window, later than the one before; NaN: nothing to average. */
  until(window: number): number {
    const { last, windows } = this;
    const { unit } = this.reader;
    const apart = window - windows >= last;
    if (apart) {
      this.sum = 0;
      this.count = 0;
    }
    const newest = apart ? window - windows : last;
    for (let i = window; i > newest; i -= unit) this.take(i, 1);
    if (!apart) for (let i = window - windows; i > last - windows; i -= unit) this.take(i, -1);
    this.last = window;
    return this.count === 0 ? NaN : this.sum / this.count;
  }

  private take(window: number, times: 1 | -1): void {
    const value = this.reader.at(window);
    if (Number.isNaN(value)) return;
    this.sum += value * times;
    this.count += times;
  }
}

/** Returns false for a bucket without a value. */
function writeBucket(
  reader: LineReader,
  grid: Grid,
  bucket: number,
  out: Point[],
  at: number,
): boolean {
  const start = grid.first + bucket * grid.step;
  const end = start + grid.step;
  let min = Infinity;
  let max = -Infinity;
  let minWindow = start;
  let maxWindow = start;
  for (let window = start; window < end; window += reader.unit) {
    const value = reader.at(window);
    // NaN is neither less nor more.
    if (value < min) {
      min = value;
      minWindow = window;
    }
    if (value > max) {
      max = value;
      maxWindow = window;
    }
  }
  const empty = max === -Infinity;
  const gap = reader.covers(start, end - 1) ? undefined : null;
  const [first, second] = minWindow <= maxWindow ? [min, max] : [max, min];
  out[at] = empty ? gap : first;
  if (grid.pointsPerBucket === 2) out[at + 1] = empty ? gap : second;
  return !empty;
}

/** The indexes of points with a gap on both sides, which no line shows. */
export function isolated(points: Point[]): number[] {
  const found: number[] = [];
  let lonely = -1;
  let afterGap = true;
  for (let index = 0; index < points.length; index += 1) {
    const point = points[index];
    if (point === undefined) continue;
    if (point === null) {
      if (lonely >= 0) found.push(lonely);
      lonely = -1;
      afterGap = true;
    } else {
      lonely = afterGap ? index : -1;
      afterGap = false;
    }
  }
  if (lonely >= 0) found.push(lonely);
  return found;
}
