import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import { LineReader } from "../src/chart/sample";
import { historyUrl, ringOf } from "../src/history/answer";
import { HistoryLoader } from "../src/history/loader";
import type { Selection } from "../src/live/protocol";

const SPANS: Selection = { signal: "spans", measures: ["rate", "p95"], service: "a&b" };

/** Windows of one second from second 1,000 on. */
function answer(values: number[], more: Record<string, unknown> = {}): Uint8Array {
  return encode({
    id: 0,
    reset: true,
    resolution_ms: 1000,
    series: [{ key: "a", labels: {} }],
    first_window: 1000,
    offsets: new Uint8Array(Uint16Array.from(values, (_, i) => i).buffer),
    values: { rate: new Uint8Array(Float32Array.from(values).buffer) },
    ...more,
  });
}

test("a selection becomes the query of an address, hostile names too", () => {
  const query = new URL(historyUrl(SPANS, { fromMs: 1.4, toMs: 2000 }), "http://x").searchParams;
  assert.equal(query.get("measures"), "rate,p95");
  assert.equal(query.get("service"), "a&b");
  assert.equal(query.get("from_ms"), "1");
  assert.equal(query.get("limit"), null);
});

test("a value of history stands for all windows of its resolution, and for none after it", () => {
  const ring = ringOf(answer([5, NaN, 7]));
  const reader = new LineReader({ ring, measure: "rate", series: 0, kind: "rate" }, 20_000);
  const read = [9_999, 10_000, 10_009, 10_010, 10_029, 10_030].map((window) => reader.at(window));
  assert.deepEqual(read, [NaN, 5, 5, 0, 7, NaN]);
  assert.equal(reader.meanUntil(10_029, 30), 4);
});

test("an answer that is none is an error, not a chart", () => {
  assert.throws(() => ringOf(encode({ panels: [] })), TypeError);
  assert.throws(() => ringOf(answer([1], { resolution_ms: 0 })), TypeError);
  assert.throws(() => ringOf(answer([1], { values: { rate: new Uint8Array(8) } })), RangeError);
});

function loader(get: (url: string) => Promise<Uint8Array>) {
  const urls: string[] = [];
  const problems: string[] = [];
  const made = new HistoryLoader(
    (url) => {
      urls.push(url);
      return get(url);
    },
    () => {},
    (text) => problems.push(text),
    () => {},
    () => 10_000_000,
  );
  return { made, urls, problems };
}

test("what is shown is loaded once, with room to scrub before more is asked for", async () => {
  const { made, urls } = loader(() => Promise.resolve(answer([1])));
  made.want(SPANS, { fromMs: 1_000_000, toMs: 1_060_000 });
  made.want(SPANS, { fromMs: 1_000_000, toMs: 1_060_000 });
  await Promise.resolve().then(() => {});
  await new Promise(setImmediate);
  made.want(SPANS, { fromMs: 1_030_000, toMs: 1_090_000 });
  assert.equal(urls.length, 1);
  made.want(SPANS, { fromMs: 1_050_000, toMs: 1_110_000 });
  assert.equal(urls.length, 2);
});

test("a failure is told and not asked for again at once", async () => {
  const { made, urls, problems } = loader(() => Promise.reject(new Error("gone")));
  made.want(SPANS, { fromMs: 1_000_000, toMs: 1_060_000 });
  await new Promise(setImmediate);
  made.want(SPANS, { fromMs: 1_000_000, toMs: 1_060_000 });
  assert.deepEqual(problems, ["gone"]);
  assert.equal(urls.length, 1);
  assert.equal(made.ring, null);
});
