import assert from "node:assert/strict";
import { test } from "node:test";
import { heatGrid } from "../src/chart/heatgrid";
import { linesUpTo, roundValues } from "../src/chart/plot";
import { Grid } from "../src/chart/sample";
import { PanelRing } from "../src/live/ring";
import { update } from "./frames";

/** Counts of two windows in the buckets (1, 1.41] and (2, 2.83]. */
function ring(): PanelRing {
  const made = new PanelRing(100);
  const buckets = [1, Math.SQRT2, 2, 2 * Math.SQRT2];
  made.apply(
    update({ reset: true, firstWindow: 50, offsets: [0, 1], buckets, values: { heatmap: [1, 2, 3, 0] } }),
    0,
  );
  return made;
}

test("counts of buckets become cells of a logarithmic picture", () => {
  const picture = heatGrid(ring(), new Grid(50, 51, 100));
  assert.deepEqual([picture?.rows, picture?.columns, picture?.firstRow], [3, 2, 0]);
  assert.deepEqual([...(picture?.cells ?? [])], [1, 2, 0, 0, 3, 0]);
  assert.equal(picture?.most, 3);
});

test("windows that share a column add up", () => {
  const picture = heatGrid(ring(), new Grid(50, 51, 1));
  assert.deepEqual([...(picture?.cells ?? [])], [3, 0, 3]);
});

test("a window that is sent again replaces its old counts in all buckets", () => {
  const changed = ring();
  changed.apply(update({ firstWindow: 50, offsets: [0], buckets: [4, 4 * Math.SQRT2], values: { heatmap: [9] } }), 0);
  const picture = heatGrid(changed, new Grid(50, 51, 100));
  assert.deepEqual([...(picture?.cells ?? [])], [0, 2, 0, 0, 0, 0, 0, 0, 9, 0]);
});

test("values at or below zero have no place on a logarithmic scale", () => {
  const made = new PanelRing(100);
  const buckets = [-Infinity, 0, 0, 0];
  made.apply(update({ reset: true, firstWindow: 50, offsets: [0], buckets, values: { heatmap: [5, 5] } }), 0);
  assert.equal(heatGrid(made, new Grid(50, 50, 10)), null);
});

test("values in a bucket without an upper end are shown above its lower one", () => {
  const made = new PanelRing(100);
  const buckets = [1, 2, 2, Infinity];
  made.apply(update({ reset: true, firstWindow: 50, offsets: [0], buckets, values: { heatmap: [1, 7] } }), 0);
  assert.deepEqual([...(heatGrid(made, new Grid(50, 50, 10))?.cells ?? [])], [1, 1, 7, 7]);
});

test("a logarithmic axis has round values", () => {
  assert.deepEqual(roundValues(1, 300), [1, 3, 10, 30, 100, 300]);
  assert.deepEqual(roundValues(0.8, 6), [1, 2, 5]);
  assert.deepEqual(roundValues(0.01, 5000), [0.01, 0.1, 1, 10, 100, 1000]);
});

test("an axis has lines in good steps, the last at its top", () => {
  assert.deepEqual(linesUpTo(0, 50, 5, false), [0, 10, 20, 30, 40, 50]);
  assert.deepEqual(linesUpTo(0, 50, 4, false), [0, 25, 50]);
  assert.deepEqual(linesUpTo(0, 1.5, 5, false), [0, 0.5, 1, 1.5]);
  assert.deepEqual(linesUpTo(0, 3072, 5, true), [0, 1024, 2048, 3072]);
  assert.deepEqual(linesUpTo(0, 4096, 5, true), [0, 1024, 2048, 3072, 4096]);
  assert.deepEqual(linesUpTo(-2, 10, 6, false), [-2, 0, 2, 4, 6, 8, 10]);
  assert.deepEqual(linesUpTo(0, 800, 3, false), [0, 400, 800]);
  assert.deepEqual(linesUpTo(0, 7, 0, false), [0, 7]);
});
