import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const NOW_MS = 1_000_000;
const SHOWN = { fromMs: 900_000, toMs: 960_000 };

// The page's state reads the address when it is loaded.
Object.assign(globalThis, { location: { search: "" } });
const { fixedTime } = await import("../src/state/app");
const travel = await import("../src/state/travel");
const { shownSpan } = await import("../src/player");

beforeEach(() => travel.backToNow());

test("a pause that nobody moved goes on live", () => {
  travel.togglePause(SHOWN);
  assert.deepEqual(fixedTime.value, SHOWN);
  assert.equal(travel.paused.value, true);
  travel.togglePause(SHOWN);
  assert.equal(fixedTime.value, null);
});

test("after going elsewhere the past goes on from there, and stops again", () => {
  travel.togglePause(SHOWN);
  travel.step(-1, SHOWN, NOW_MS);
  travel.togglePause(SHOWN);
  assert.equal(travel.playing.value, true);
  travel.speed.value = 5;
  travel.advance(1_000, NOW_MS);
  assert.deepEqual(fixedTime.value, { fromMs: 845_000, toMs: 905_000 });
  travel.togglePause(SHOWN);
  assert.equal(travel.paused.value, true);
});

test("playing into the present is live again", () => {
  travel.show({ fromMs: 900_000, toMs: 999_500 });
  travel.play();
  travel.advance(1_000, NOW_MS);
  assert.equal(fixedTime.value, null);
  assert.equal(travel.playing.value, false);
});

test("another range keeps the end of what is shown", () => {
  travel.show(SHOWN);
  travel.setRange("5m");
  assert.deepEqual(fixedTime.value, { fromMs: 660_000, toMs: 960_000 });
});

test("no step leads past the beginning of time", () => {
  travel.endAt(10, 60_000, NOW_MS);
  assert.deepEqual(fixedTime.value, { fromMs: 0, toMs: 60_000 });
});

test("before anything has come, what is shown ends now", () => {
  travel.setRange("1m");
  const feed = { endWindow: 0, serverNowMs: () => NOW_MS };
  assert.deepEqual(shownSpan(feed), { fromMs: 940_000, toMs: 999_900 });
});
