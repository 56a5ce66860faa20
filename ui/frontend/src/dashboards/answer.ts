/** From the rows of a query to lines over time. Pure. */
import { WINDOW_MS } from "../live/protocol";
import { PanelRing } from "../live/ring";
import type { TimeSpan } from "../state/url";

/** The JSON of `POST /api/sql`. */
export interface SqlAnswer {
  columns: { name: string; type: string }[];
  rows: unknown[][];
  truncated?: boolean;
  error?: { title?: string; detail?: string };
}

export interface Lines {
  names: string[];
  /** How many lines there are beyond those; their points are to be left out, too. */
  leftOut: number;
  /** Unix ms of each point, in no order, its line and its value; NaN is a gap. */
  times: number[];
  line: number[];
  values: number[];
}

export const MOST_LINES = 40;
const MOST_STEPS = 4_000;
const TIME = /^(TIMESTAMP|DATE)/;
const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL|BOOLEAN)/;
const SEPARATOR = " \u00b7 ";
export const MEASURE = "value";

/** Throws an Error that says which column is missing. */
export function linesOf({ columns, rows }: SqlAnswer): Lines {
  const time = columns.findIndex(({ type }) => TIME.test(type));
  if (time < 0) throw new Error("No column of times: select one of a type TIMESTAMP.");
  const places = columns.map((_, place) => place).filter((place) => place !== time);
  const numbers = places.filter((place) => NUMBER.test(columns[place]!.type));
  const words = places.filter((place) => !numbers.includes(place));
  if (numbers.length === 0) throw new Error("No column of numbers: select one beside the times.");
  const names: string[] = [];
  const lines: Lines = { names: [], leftOut: 0, times: [], line: [], values: [] };
  for (const row of rows) {
    const timeMs = Date.parse(String(row[time]));
    if (Number.isNaN(timeMs)) continue;
    const word = words.map((place) => wordOf(row[place])).join(SEPARATOR);
    for (const place of numbers) {
      const column = columns[place]!.name;
      const both = numbers.length > 1 ? `${word}${SEPARATOR}${column}` : word;
      names.push(words.length === 0 ? column : both);
      lines.times.push(timeMs);
      lines.values.push(numberOf(row[place]));
    }
  }
  // In an order of their own: a query gives its groups in any.
  const all = [...new Set(names)].sort();
  const lineOf = new Map(all.map((name, place) => [name, place]));
  lines.names = all.slice(0, MOST_LINES);
  lines.leftOut = all.length - lines.names.length;
  lines.line = names.map((name) => lineOf.get(name) ?? 0);
  return lines;
}

function wordOf(value: unknown): string {
  if (value === null || value === undefined) return "(none)";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** DECIMAL and great integers come as text. */
function numberOf(value: unknown): number {
  return value === null || value === undefined ? NaN : Number(value);
}

/**
 * How many windows a step of the ring has: the interval that was asked for, or the usual distance
 * between points where the query made it longer.
 */
export function unitOf({ times }: Lines, intervalMs: number): number {
  const distinct = [...new Set(times)].sort((a, b) => a - b);
  const gaps = distinct.slice(1).map((time, index) => time - distinct[index]!);
  gaps.sort((a, b) => a - b);
  const usual = gaps[Math.floor(gaps.length / 2)] ?? 0;
  return Math.max(1, Math.round(intervalMs / WINDOW_MS), Math.floor(usual / WINDOW_MS));
}

/** A ring, and how many steps it has room for. */
export interface Filled {
  ring: PanelRing;
  steps: number;
}

/**
 * The lines between two times as a ring. `before` is written on where it has the same lines and only
 * time has gone on, so that a chart of it need not be built anew. Until `zeroUntilMs` no row is 0.
 */
export function filled(
  before: Filled,
  lines: Lines,
  unit: number,
  { fromMs, toMs }: TimeSpan,
  zeroUntilMs: number,
): Filled {
  const stepMs = unit * WINDOW_MS;
  const first = Math.floor(fromMs / stepMs);
  const count = Math.max(1, Math.min(MOST_STEPS, Math.ceil(toMs / stepMs) - first));
  const values = new Float32Array(lines.names.length * count);
  const zeros = Math.max(0, Math.min(count, Math.floor(zeroUntilMs / stepMs) - first));
  lines.names.forEach((_, line) => values.fill(NaN, line * count + zeros, (line + 1) * count));
  lines.times.forEach((time, index) => {
    const step = Math.floor(time / stepMs) - first;
    if (step < 0 || step >= count || lines.line[index]! >= lines.names.length) return;
    values[lines.line[index]! * count + step] = lines.values[index]!;
  });
  const { ring, steps } = before;
  const goesOn =
    ring.filled &&
    ring.unit === unit &&
    steps >= count &&
    first * unit >= ring.firstHeld &&
    ring.series.length === lines.names.length &&
    ring.series.every(({ key }, index) => key === lines.names[index]);
  // A step more than now: what is shown may begin within one.
  const after = goesOn ? before : { ring: new PanelRing(count + 1, unit), steps: count + 1 };
  after.ring.apply(
    {
      id: 0,
      reset: !goesOn,
      series: lines.names.map((name) => ({ key: name, labels: { name } })),
      resolutionMs: stepMs,
      firstWindow: first,
      offsets: Uint16Array.from({ length: count }, (_, step) => step),
      values: new Map([[MEASURE, values]]),
      buckets: new Float32Array(),
    },
    first,
  );
  return after;
}
