import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../src/live/clock";
import { Freshness } from "../src/live/freshness";

test("the clocks' offset comes from the ping with the shortest way", () => {
  const clock = new ServerClock();
  assert.equal(clock.known, false);
  clock.observe(1000, 1200, 6000);
  clock.observe(2000, 2010, 7105);
  clock.observe(3000, 3300, 8000);
  assert.equal(clock.offsetMs, 5100);
});

test("freshness is the nearest-rank percentile of the last 100 frames", () => {
  const freshness = new Freshness();
  assert.equal(freshness.percentile(0.5), NaN);
  for (let age = 1; age <= 250; age += 1) freshness.add(age);
  assert.equal(freshness.percentile(0.5), 200);
  assert.equal(freshness.percentile(0.99), 249);
  freshness.clear();
  freshness.add(42);
  assert.equal(freshness.percentile(0.5), 42);
  assert.equal(freshness.percentile(0.99), 42);
});
