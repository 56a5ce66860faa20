/** A piece of time as people type it: local times, to the second. Pure. */
import { formatClock, formatDateTime } from "../units";
import type { TimeSpan } from "./url";

/** How both ends stand in their fields. */
export interface TypedSpan {
  from: string;
  to: string;
}

const TIME = /^(?:(\d{4})-(\d\d?)-(\d\d?)[T ]+)?(\d\d?):(\d\d)(?::(\d\d)(?:\.\d*)?)?$/;
const WITH_ZONE = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d*)?)?(Z|[+-]\d\d:?\d\d)$/i;

/** With their dates, unless both are of today. */
export function textsOf({ fromMs, toMs }: TimeSpan, nowMs: number): TypedSpan {
  const now = new Date(nowMs);
  const isToday = (ms: number): boolean => new Date(ms).toDateString() === now.toDateString();
  if (isToday(fromMs) && isToday(toMs)) return { from: formatClock(fromMs), to: formatClock(toMs) };
  // Of no day at all is today's time, so neither leaves its date out.
  const never = new Date(0);
  return { from: formatDateTime(fromMs, never), to: formatDateTime(toMs, never) };
}

/**
 * What was typed over the texts of `shown`; an end that was left as it stood keeps its fractions of
 * a second. A time without a date is the last such time, at the other end the first one after it.
 * Throws an Error that says what is impossible.
 */
export function spanOf({ from, to }: TypedSpan, shown: TimeSpan, nowMs: number): TimeSpan {
  const stood = textsOf(shown, nowMs);
  const fromMs = from === stood.from ? shown.fromMs : parse("From", from, nowMs, nowMs);
  if (fromMs >= nowMs) throw new Error(`From has not come yet: now it is ${formatClock(nowMs)}.`);
  const toMs = to === stood.to ? shown.toMs : endOf(to, fromMs, nowMs);
  if (toMs <= fromMs) throw new Error("From has to be before To.");
  return { fromMs, toMs: Math.min(toMs, nowMs) };
}

function endOf(text: string, fromMs: number, nowMs: number): number {
  const toMs = parse("To", text, fromMs, Infinity);
  const dayAfter = new Date(toMs);
  dayAfter.setDate(dayAfter.getDate() + 1);
  const overMidnight = toMs <= fromMs && !hasDate(text) && dayAfter.getTime() <= nowMs;
  return overMidnight ? dayAfter.getTime() : toMs;
}

function hasDate(text: string): boolean {
  return text.includes("-");
}

/** A time without a date is of the day of `dayMs`, or of the day before where that is after `lastMs`. */
function parse(name: string, typed: string, dayMs: number, lastMs: number): number {
  const text = typed.trim();
  const ms = WITH_ZONE.test(text) ? Date.parse(text.replace(" ", "T")) : localTime(text, dayMs, lastMs);
  if (ms >= 0) return ms;
  const what = text === "" ? "is empty" : `is no time: ${text}`;
  throw new Error(`${name} ${what}. Write 2026-11-20 18:30:00, or 18:30 for the last such time.`);
}

/** NaN when it is none. */
function localTime(text: string, dayMs: number, lastMs: number): number {
  const found = TIME.exec(text);
  if (!found) return NaN;
  const [year = 0, month = 1, day, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((digits) => (digits === undefined ? undefined : Number(digits)));
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return NaN;
  const date = new Date(dayMs);
  if (day !== undefined) date.setFullYear(year, month - 1, day);
  if (day !== undefined && date.getDate() !== day) return NaN;
  date.setHours(hour, minute, second, 0);
  if (day === undefined && date.getTime() > lastMs) date.setDate(date.getDate() - 1);
  return date.getTime();
}
