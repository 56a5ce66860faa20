import assert from "node:assert/strict";
import { test } from "node:test";
import { Grid, LineReader, isolated, sampleLine, sampleMean } from "../src/chart/sample";
import type { Kind, Line, Point } from "../src/chart/sample";
import { PanelRing } from "../src/live/ring";
import { update } from "./frames";

function line(kind: Kind, values: Record<number, number>, keys = ["a"], oldest = 0): Line {
  const ring = new PanelRing(6000);
  const windows = Object.keys(values).map(Number);
  const first = windows[0] ?? 0;
  ring.apply(
    update({
      reset: true,
      keys,
      firstWindow: first,
      offsets: windows.map((window) => window - first),
      values: { rate: Object.values(values) },
    }),
    oldest,
  );
  return { ring, measure: "rate", series: 0, kind };
}

function points(from: Line, first: number, last: number, pixels = 1000, end = last): Point[] {
  const out: Point[] = [];
  sampleLine(from, new Grid(first, last, pixels), end, out);
  return out;
}

test("a rate is zero in an empty window before its newest one, and unknown after it", () => {
  assert.deepEqual(points(line("rate", { 10: 5, 13: 7 }), 9, 15), [0, 5, 0, 0, 7, null, null]);
});

test("a rate that has been silent for longer than a batch takes is zero", () => {
  const values = points(line("rate", { 10: 5 }), 10, 100);
  assert.equal(values[100 - 10 - 60], 0);
  assert.equal(values[100 - 10 - 59], null);
});

test("windows that were never asked for are unknown, not zero", () => {
  const rate = line("rate", { 10: 5 }, ["a"], 10);
  assert.deepEqual(points(rate, 8, 10), [null, null, 5]);
});

test("a gauge's line goes on over short gaps and breaks at long ones", () => {
  assert.deepEqual(points(line("gauge", { 10: 5, 13: 7 }), 10, 13), [5, undefined, undefined, 7]);
  const broken = points(line("gauge", { 10: 5, 200: 7 }), 10, 200);
  assert.deepEqual(broken.slice(1, 190), new Array(189).fill(null));
  assert.equal(broken[190], 7);
});

test("a percentile's line breaks where there was nothing to measure for two seconds", () => {
  assert.equal(points(line("percentile", { 10: 5, 30: 7 }), 10, 30)[1], undefined);
  assert.equal(points(line("percentile", { 10: 5, 32: 7 }), 10, 32)[1], null);
});

test("a rate's line is the mean of the second before it", () => {
  const rate = line("rate", { 11: 50, 20: 50 }, ["a"], 1);
  const out: Point[] = [];
  sampleMean(rate, new Grid(10, 21, 1000), 21, out);
  assert.deepEqual(out, [0, 5, 5, 5, 5, 5, 5, 5, 5, 5, 10, null]);
});

test("downsampling keeps the least and the most of each bucket, in their order", () => {
  const gauge = line("gauge", { 99: 5, 100: 1, 101: 9, 102: 3, 103: 8, 104: 2 });
  assert.deepEqual(points(gauge, 99, 104, 2), [1, 9, 8, 2]);
});

test("a bucket never has more than two points, and there is at most one bucket a pixel", () => {
  const grid = new Grid(1_000_003, 1_006_002, 700);
  assert.equal(grid.step, 9);
  assert.ok(grid.buckets <= 701);
  assert.equal(grid.first % grid.step, 0);
  const times: number[] = [];
  grid.fillTimes(times);
  assert.equal(times.length, grid.points);
  assert.equal(times[0], grid.first * 100);
  assert.equal(times[2]! - times[0]!, 900);
});

test("a rate's number is the mean of its last known second, zeros included", () => {
  const reader = new LineReader(line("rate", { 91: 50, 100: 50 }), 102);
  assert.equal(reader.summary(102), 10);
});

test("a gauge's number is its newest value, until it is too old", () => {
  const gauge = line("gauge", { 100: 0.5 });
  assert.equal(new LineReader(gauge, 150).summary(150), 0.5);
  assert.equal(new LineReader(gauge, 300).summary(300), NaN);
});

test("only points with a gap on both sides are isolated", () => {
  assert.deepEqual(isolated([1, null, 2, undefined, 3, null, 4, undefined, null, 5]), [0, 6, 9]);
  assert.deepEqual(isolated([undefined, 1, undefined]), [1]);
  assert.deepEqual(isolated([]), []);
});
