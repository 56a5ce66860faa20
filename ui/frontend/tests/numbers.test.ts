import assert from "node:assert/strict";
import { test } from "node:test";
import { numberAsOf } from "../src/chart/numbers";
import { PanelRing } from "../src/live/ring";
import { update } from "./frames";

/** Seconds 100 to 102 of two series. */
function sliding(): PanelRing {
  const ring = new PanelRing(6000);
  const seconds = { reset: true, keys: ["a", "b"], firstWindow: 100, offsets: [0, 1, 2] };
  const values = { p95: [1, 2, 3, 4, NaN, NaN] };
  ring.apply(update({ ...seconds, resolutionMs: 1000, values }), 100);
  return ring;
}

test("a number is of the last second that had ended", () => {
  const ring = sliding();
  const asOf = [1018, 1019, 1028, 1029, 1100].map((window) => numberAsOf(ring, "p95", 0, window));
  assert.deepEqual(asOf, [1, 2, 2, 3, 3]);
});

test("a number that is gone is not replaced by an older one", () => {
  assert.equal(numberAsOf(sliding(), "p95", 1, 1029), NaN);
});

test("without news for ten seconds there is no number", () => {
  assert.equal(numberAsOf(sliding(), "p95", 0, 1140), NaN);
});

test("a ring takes the length of its steps from its history", () => {
  const ring = sliding();
  assert.equal(ring.unit, 10);
  assert.equal(ring.newestWindow, 1029);
  ring.apply(update({ reset: true, firstWindow: 1020, offsets: [0], values: { rate: [7] } }), 0);
  assert.equal(ring.unit, 1);
  assert.equal(ring.value("rate", 0, 1020), 7);
});
