import assert from "node:assert/strict";
import { test } from "node:test";
import { CalmTop, roundTop } from "../src/chart/scale";
import { ServiceColours } from "../src/palette";
import { format } from "../src/units";
import type { Unit } from "../src/units";

const shown = (unit: Unit, value: number | null): string => format(unit, value).replace("\u00a0", " ");

test("durations choose their unit from nanoseconds to hours", () => {
  const values = [0, 0.00085, 0.0123, 1, 4.567, 45.67, 456.7, 999.9, 1234, 59_949, 90_000, 7.2e6];
  assert.deepEqual(
    values.map((ms) => shown("ms", ms)),
    ["0 ms", "850 ns", "12.3 \u00b5s", "1 ms", "4.57 ms", "45.7 ms", "457 ms", "1.00 s", "1.23 s", "59.9 s", "1.50 min", "2 h"],
  );
});

test("bytes are binary, rates decimal, ratios percent", () => {
  assert.equal(shown("bytes", 1536), "1.50 KiB");
  assert.equal(shown("bytes", 5 * 2 ** 20), "5 MiB");
  assert.equal(shown("bytes_per_second", 2 ** 30), "1 GiB/s");
  assert.equal(shown("per_second", 12_345), "12.3 k/s");
  assert.equal(shown("per_second", 999.7), "1.00 k/s");
  assert.equal(shown("ratio", 0.1234), "12.3 %");
  assert.equal(shown("ratio", 0.00001), "<0.01 %");
  assert.equal(shown("ratio", 1), "100 %");
});

test("no value is a dash without a unit", () => {
  assert.equal(shown("ms", NaN), "\u2013");
  assert.equal(shown("per_second", null), "\u2013");
  assert.equal(shown("bytes", Infinity), "\u2013");
});

test("the top of an axis is round and grows at once, but shrinks late", () => {
  assert.equal(roundTop("per_second", 114), 150);
  assert.equal(roundTop("bytes", 3000), 4096);
  assert.equal(roundTop("ratio", 0.3), 1);
  const top = new CalmTop("per_second");
  assert.equal(top.next(0), 10);
  assert.equal(top.next(95), 100);
  for (let paint = 0; paint < 30; paint += 1) assert.equal(top.next(20), 100);
  assert.equal(top.next(20), 30);
});

test("services have different colours while there are enough, and keep them", () => {
  const colours = new ServiceColours();
  const names = ["cart", "checkout", "payment", "inventory", "email", "ads", "quote", "search"];
  colours.assign(names);
  const given = names.map((name) => colours.of(name));
  assert.equal(new Set(given).size, names.length);
  colours.assign(["another", ...names]);
  assert.deepEqual(
    names.map((name) => colours.of(name)),
    given,
  );
  assert.equal(new ServiceColours().of("cart"), new ServiceColours().of("cart"));
});
