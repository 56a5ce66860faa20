/** Numbers as text: three significant digits, and always a unit. */

/** `percent` is of 100, `ratio` of 1. `other:X` has X behind its numbers. */
export type Unit =
  | "per_second"
  | "ms"
  | "seconds"
  | "ratio"
  | "percent"
  | "bytes"
  | "bytes_per_second"
  | "count"
  | `other:${string}`;

const OTHER = "other:";

export const NO_VALUE = "\u2013";
/** Keeps a number and its unit on one line. */
const SPACE = "\u00a0";

const DECIMAL: [number, string][] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const BINARY: [number, string][] = [
  [2 ** 40, "Ti"],
  [2 ** 30, "Gi"],
  [2 ** 20, "Mi"],
  [2 ** 10, "Ki"],
];

/** A value as `[number, unit]`; NaN and null are a dash without a number. */
export function formatParts(unit: Unit, value: number | null | undefined): [string, string] {
  if (value == null || !Number.isFinite(value)) return [NO_VALUE, ""];
  switch (unit) {
    case "per_second":
      return scaled(value, DECIMAL, "/s");
    case "count":
      return scaled(value, DECIMAL, "");
    case "bytes":
      return scaled(value, BINARY, "B");
    case "bytes_per_second":
      return scaled(value, BINARY, "B/s");
    case "ratio":
      return [digits(value * 100), "%"];
    case "percent":
      return [digits(value), "%"];
    case "ms":
      return duration(value);
    case "seconds":
      return duration(value * 1e3);
    default:
      return spelledOut(unit.slice(OTHER.length), value);
  }
}

export function format(unit: Unit, value: number | null | undefined): string {
  const [number, suffix] = formatParts(unit, value);
  return suffix === "" ? number : number + SPACE + suffix;
}

/** A whole number with all its digits in groups. */
export function formatCount(value: number | null | undefined): string {
  return value == null ? NO_VALUE : value.toLocaleString("en");
}

/** A local date and time from Unix ms; today's date is left out. 0 means never. */
export function formatDateTime(unixMs: number, now: Date = new Date()): string {
  if (unixMs === 0) return NO_VALUE;
  const time = new Date(unixMs);
  if (time.toDateString() === now.toDateString()) return formatClock(unixMs);
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(twoDigits).join("-");
  return `${date} ${formatClock(unixMs)}`;
}

/** A local time of day with tenths of seconds, from Unix ms. */
export function formatTime(unixMs: number): string {
  const time = new Date(unixMs);
  const tenths = Math.floor(time.getMilliseconds() / 100);
  return `${formatClock(unixMs)}.${tenths}`;
}

/** A local time of day, from Unix ms. */
export function formatClock(unixMs: number): string {
  const time = new Date(unixMs);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(":");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** Three significant digits without an exponent; whole numbers stay whole. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return value < 0 ? "-<0.01" : "<0.01";
  if (size >= 99.95) return value.toFixed(0);
  return Number.isInteger(value) ? String(value) : value.toFixed(size >= 9.995 ? 1 : 2);
}

function scaled(value: number, steps: [number, string][], unit: string): [string, string] {
  for (const [factor, prefix] of steps) {
    // What would round up to a full step belongs to that step: 1 k, not 1000.
    if (Math.abs(value) >= factor * 0.9995) return [digits(value / factor), prefix + unit];
  }
  return [digits(value), unit];
}

/** A number with a word behind it: 1.20 k order. */
function spelledOut(word: string, value: number): [string, string] {
  const [number, prefix] = scaled(value, DECIMAL, "");
  return [number, `${prefix}${prefix === "" ? "" : SPACE}${word}`];
}

function duration(ms: number): [string, string] {
  const size = Math.abs(ms);
  if (size === 0) return ["0", "ms"];
  if (size < 0.0009995) return [digits(ms * 1e6), "ns"];
  if (size < 0.9995) return [digits(ms * 1e3), "\u00b5s"];
  if (size < 999.5) return [digits(ms), "ms"];
  if (size < 59_950) return [digits(ms / 1e3), "s"];
  if (size < 3_599_500) return [digits(ms / 60e3), "min"];
  return [digits(ms / 3600e3), "h"];
}
