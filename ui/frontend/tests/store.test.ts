import assert from "node:assert/strict";
import { test } from "node:test";
import { PanelRing } from "../src/live/ring";
import { LiveStore } from "../src/live/store";
import { frame, update } from "./frames";

test("a history fills the ring, and a delta changes old and new windows", () => {
  const ring = new PanelRing(100);
  ring.apply(update({ reset: true, firstWindow: 50, offsets: [0, 1, 4], values: { rate: [1, 2, 5] } }), 0);
  ring.apply(update({ firstWindow: 51, offsets: [0, 5], values: { rate: [20, 6] } }), 0);
  const values = [50, 51, 52, 53, 54, 55, 56].map((window) => ring.value("rate", 0, window));
  assert.deepEqual(values, [1, 20, NaN, NaN, 5, NaN, 6]);
  assert.equal(ring.newestWindow, 56);
});

test("a ring that goes round holds no value of the round before", () => {
  const ring = new PanelRing(10);
  const all = Array.from({ length: 10 }, (_, i) => i);
  ring.apply(update({ reset: true, firstWindow: 0, offsets: all, values: { rate: all } }), 0);
  ring.apply(update({ firstWindow: 12, offsets: [0], values: { rate: [12] } }), 0);
  assert.equal(ring.value("rate", 0, 2), NaN);
  assert.equal(ring.value("rate", 0, 3), 3);
  assert.equal(ring.value("rate", 0, 11), NaN);
  assert.equal(ring.value("rate", 0, 12), 12);
  assert.equal(ring.firstHeld, 3);
});

test("windows older than the ring are left out", () => {
  const ring = new PanelRing(10);
  ring.apply(update({ reset: true, firstWindow: 100, offsets: [0], values: { rate: [1] } }), 0);
  ring.apply(update({ firstWindow: 80, offsets: [0], values: { rate: [9] } }), 0);
  assert.equal(ring.value("rate", 0, 80), NaN);
  assert.equal(ring.value("rate", 0, 90), NaN);
});

test("a reset drops what the panel held and takes the new series", () => {
  const ring = new PanelRing(100);
  ring.apply(update({ reset: true, firstWindow: 50, offsets: [0], values: { rate: [1] } }), 0);
  const before = ring.seriesVersion;
  const next = { reset: true, keys: ["b", "a"], firstWindow: 51, offsets: [0], values: { rate: [7, 8] } };
  ring.apply(update(next), 0);
  assert.equal(ring.value("rate", 0, 50), NaN);
  assert.equal(ring.value("rate", 1, 51), 8);
  assert.ok(ring.seriesVersion > before);
});

test("each series knows its own newest window", () => {
  const ring = new PanelRing(100);
  const two = { reset: true, keys: ["a", "b"], firstWindow: 5, offsets: [0, 1] };
  ring.apply(update({ ...two, values: { rate: [1, 2, 3, NaN] } }), 0);
  assert.deepEqual([ring.newestOf(0), ring.newestOf(1)], [6, 5]);
});

test("a new epoch empties every panel", () => {
  const store = new LiveStore();
  const first = store.open(1, 600);
  const second = store.open(2, 600);
  const history = { reset: true, firstWindow: 990, offsets: [0], values: { rate: [1] } };
  store.apply(frame([{ ...history, id: 1 }, { ...history, id: 2 }]));
  assert.equal(store.complete, true);
  store.apply(frame([{ ...history, id: 1 }], { epoch: "e2", server_time_ms: 99_000 }));
  assert.equal(first.value("rate", 0, 990), 1);
  assert.equal(second.value("rate", 0, 990), NaN);
  assert.equal(store.complete, false);
  assert.equal(store.endWindow, 989);
});

test("a panel with a new selection keeps its picture but waits for its history", () => {
  const store = new LiveStore();
  const ring = store.open(1, 600);
  store.apply(frame([{ reset: true, firstWindow: 990, offsets: [0], values: { rate: [1] } }]));
  store.open(1, 600);
  assert.equal(ring.value("rate", 0, 990), 1);
  assert.equal(store.complete, false);
});

test("frames for panels that were closed change nothing", () => {
  const store = new LiveStore();
  const ring = store.open(1, 600);
  store.close(1);
  store.apply(frame([{ reset: true, firstWindow: 990, offsets: [0], values: { rate: [1] } }]));
  assert.equal(ring.filled, false);
});
