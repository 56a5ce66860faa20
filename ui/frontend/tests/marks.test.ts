import assert from "node:assert/strict";
import { test } from "node:test";
import type { Mark } from "../src/live/protocol";

// The page's state reads the address when it is loaded.
Object.assign(globalThis, { location: { search: "" } });
const { service } = await import("../src/state/app");
const { liveMarks, marksVersion, pastMarks, shownMarks } = await import("../src/state/marks");
const { clustersOf } = await import("../src/chart/marklines");
const { Lookup } = await import("../src/history/lookup");
const { marksUrl } = await import("../src/history/marks");

const mark = (time_ms: number, text = "x", service_name = "tenth"): Mark => ({
  time_ms,
  time_unix_nano: `${time_ms}000000`,
  text,
  service_name,
});

/** A busy machine may take longer than the second that Node waits. */
const PATIENT = { timeout: 60_000 };

test("marks side by side share a flag, others and those out of sight do not", () => {
  const marks = [-5, 0, 8, 19, 60, 101].map((at) => mark(at));
  const clusters = clustersOf(marks, (ms) => ms, 100);
  assert.deepEqual(
    clusters.map(({ lefts }) => lefts),
    [[0, 8, 19], [60]],
  );
});

test("a mark that is known twice is shown once, in order, and counted as a change once", () => {
  liveMarks.value = [mark(3), mark(1)];
  const before = marksVersion();
  assert.equal(marksVersion(), before);
  pastMarks.value = [mark(1), mark(2)];
  assert.deepEqual(
    shownMarks.value.map(({ time_ms }) => time_ms),
    [1, 2, 3],
  );
  assert.equal(marksVersion(), before + 1);
});

test("with a service chosen there are its marks and those about everything", () => {
  liveMarks.value = [mark(1, "a", "cart"), mark(2, "b", "shop"), mark(3, "c")];
  pastMarks.value = [];
  service.value = "cart";
  assert.deepEqual(
    shownMarks.value.map(({ text }) => text),
    ["a", "c"],
  );
  service.value = "";
});

test("the same is asked for while one scrubs a little", () => {
  const span = { fromMs: 60_100, toMs: 120_100 };
  const later = { fromMs: 60_900, toMs: 120_900 };
  assert.equal(marksUrl(span), marksUrl(later));
  assert.equal(marksUrl(span), "/api/marks?from_ms=0&to_ms=240000&limit=500");
});

test("of many addresses only the one under way and the last are asked", async (context) => {
  const asked: string[] = [];
  const answers = new Map<string, (answer: Response) => void>();
  context.mock.method(globalThis, "fetch", (url: string) => {
    asked.push(url);
    return new Promise((resolve) => answers.set(url, resolve));
  });
  const got: number[] = [];
  const problems: string[] = [];
  const lookup = new Lookup<number>(
    (answer) => got.push(answer),
    (text) => problems.push(text),
  );
  for (const url of ["/1", "/2", "/3"]) lookup.want(url);
  answers.get("/1")?.(Response.json(1));
  await context.waitFor(() => assert.equal(asked.length, 2), PATIENT);
  answers.get("/3")?.(Response.json({ title: "No", detail: "Wait." }, { status: 503 }));
  await context.waitFor(() => assert.deepEqual(problems, ["", "No: Wait."]), PATIENT);
  assert.deepEqual(asked, ["/1", "/3"]);
  assert.deepEqual(got, [1]);
});
