import assert from "node:assert/strict";
import { test } from "node:test";
import { spanOf, textsOf } from "../src/state/typed";

const at = (day: number, hour: number, minute: number, second = 0, ms = 0): number =>
  new Date(2026, 10, day, hour, minute, second, ms).getTime();
const NOW_MS = at(20, 2, 0);
const SHOWN = { fromMs: at(20, 1, 58, 59, 400), toMs: at(20, 1, 59, 59, 400) };
const typed = (from: string, to: string) => spanOf({ from, to }, SHOWN, NOW_MS);
const refused = (from: string, to: string, why: RegExp): void =>
  assert.throws(() => typed(from, to), why);

test("ends have their dates unless both are of today, and unedited ones keep their fractions", () => {
  assert.deepEqual(textsOf(SHOWN, NOW_MS), { from: "01:58:59", to: "01:59:59" });
  const overMidnight = { fromMs: at(19, 23, 59, 58), toMs: at(20, 0, 0, 1) };
  assert.deepEqual(textsOf(overMidnight, NOW_MS), {
    from: "2026-11-19 23:59:58",
    to: "2026-11-20 00:00:01",
  });
  assert.deepEqual(typed("01:58:59", "01:59:59"), SHOWN);
  assert.deepEqual(typed("01:30", "01:59:59"), { fromMs: at(20, 1, 30), toMs: SHOWN.toMs });
});

test("local times and times with a zone are understood", () => {
  const wanted = { fromMs: at(18, 9, 5), toMs: at(18, 9, 6, 7) };
  assert.deepEqual(typed(" 2026-11-18 9:05 ", "2026-11-18T09:06:07.25"), wanted);
  const iso = (ms: number): string => new Date(ms).toISOString();
  assert.deepEqual(typed(iso(wanted.fromMs), iso(wanted.toMs).replace("T", " ")), wanted);
});

test("a time without a date is the last such time, and its end the first one after it", () => {
  assert.deepEqual(typed("23:50", "0:10"), { fromMs: at(19, 23, 50), toMs: at(20, 0, 10) });
  assert.deepEqual(typed("2026-11-18 10:00", "10:05"), { fromMs: at(18, 10, 0), toMs: at(18, 10, 5) });
  assert.deepEqual(typed("1:00", "3:00"), { fromMs: at(20, 1, 0), toMs: NOW_MS });
});

test("what is no time or no range says so", () => {
  refused("", "1:00", /^Error: From is empty. Write 2026-11-20 18:30:00/);
  for (const text of ["noon", "25:00", "1:60", "2026-02-31 10:00", "2026-13-01 10:00", "1:00:00 PM"]) {
    refused("1:00", text, /^Error: To is no time/);
  }
  refused("1:30", "1:00", /^Error: From has to be before To/);
  refused("1:30", "1:30", /^Error: From has to be before To/);
  refused("2026-11-20 02:30", "2026-11-20 02:40", /^Error: From has not come yet: now it is 02:00:00/);
});
