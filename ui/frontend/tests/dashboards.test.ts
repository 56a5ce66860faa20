import assert from "node:assert/strict";
import { test } from "node:test";
import { filled, linesOf, unitOf } from "../src/dashboards/answer";
import type { Filled, SqlAnswer } from "../src/dashboards/answer";
import { idFor, inGroups, itemsOf, moved, resized } from "../src/dashboards/model";
import type { BoardPanel, MetricPanel, Summary } from "../src/dashboards/model";
import { QuerySource, intervalFor, paramsOf } from "../src/dashboards/query";
import { aggregationOf, groupByOf, groupNoteOf, metricOf } from "../src/dashboards/resolve";
import { Turns } from "../src/dashboards/turns";
import { PanelRing } from "../src/live/ring";
import { unitOf as metricUnitOf, aggregationsOf, chosenOf } from "../src/pages/metric-choices";
import { NO_DETAILS } from "../src/pages/metric-details";

const SECOND = 1_000;
const text = (name: string): BoardPanel => ({ kind: "text", title: name });

const answer = (types: Record<string, string>, rows: unknown[][]): SqlAnswer => ({
  columns: Object.entries(types).map(([name, type]) => ({ name, type })),
  rows,
});
const at = (second: number): string => `2026-11-20T12:00:${String(second).padStart(2, "0")}.000000Z`;
const NOON = Date.parse(at(0));

test("a panel moves to where it is put, and no further than the ends", () => {
  const items = itemsOf(["a", "b", "c"].map(text));
  const order = (key: number, to: number): string =>
    moved(items, key, to).map(({ panel }) => panel.title).join("");
  const [a, , c] = items.map(({ key }) => key) as [number, number, number];
  assert.equal(order(a, 1), "bac");
  assert.equal(order(c, 0), "cab");
  assert.equal(order(a, 99), "bca");
  assert.equal(order(c, -5), "cab");
  assert.equal(order(-1, 0), "abc");
});

test("a panel is never smaller than a step or larger than the grid", () => {
  const large = resized(text("x"), 9, 9);
  assert.deepEqual([large.columns, large.rows], [4, 4]);
  const small = resized(large, -9, -3);
  assert.deepEqual([small.columns, small.rows], [1, 1]);
});

test("any name gives an id that the server takes and nobody has", () => {
  assert.equal(idFor("Caf\u00e9  & Bar", []), "cafe-bar");
  assert.equal(idFor("Host", ["host", "host-2"]), "host-3");
  for (const name of ["../../etc", "\u65e5\u672c", "", "-".repeat(99), "x".repeat(500)]) {
    assert.match(idFor(name, ["dashboard"]), /^[a-z0-9][a-z0-9-]{0,62}$/);
  }
});

test("built-in dashboards with data come before those that wait", () => {
  const summary = (id: string, metrics: string[], builtIn = true): Summary => ({
    id,
    name: id,
    built_in: builtIn,
    etag: "",
    metrics,
  });
  const all = [summary("jvm", ["j"]), summary("http", ["new", "old"]), summary("my", ["j"], false)];
  const { own, alive, waiting } = inGroups(all, new Set(["old"]));
  assert.deepEqual([own, alive, waiting].map((group) => group.map(({ id }) => id)), [
    ["my"],
    ["http"],
    ["jvm"],
  ]);
});

test("of old and new names the one that is sent is shown, by the key that it has", () => {
  const info = (name: string) => ({ name, unit: "ms", type: "histogram", services: ["a"] });
  const panel: MetricPanel = {
    kind: "metric",
    metrics: ["http.server.request.duration", "http.server.duration"],
    group_by: ["attribute:http.route", "attribute:http.target", "service"],
    show: "p95",
  };
  const known = [info("other"), info("http.server.duration")];
  assert.equal(metricOf(panel, known)?.name, "http.server.duration");
  assert.equal(metricOf(panel, []), null);
  const details = { ...NO_DETAILS, found: true, attributeKeys: ["http.target"] };
  assert.equal(groupByOf(panel, details), "attribute:http.target");
  assert.equal(groupByOf(panel, { ...details, attributeKeys: [] }), "service");
  assert.equal(groupByOf(panel, NO_DETAILS), "attribute:http.route");
  assert.equal(groupNoteOf(panel, "attribute:http.target"), "");
  assert.equal(groupNoteOf(panel, "service"), "by service: nothing has sent http.route");
  assert.equal(aggregationOf(panel, info("a"), details, true)?.id, "p95");
  assert.equal(aggregationOf({ ...panel, show: "heatmap" }, info("a"), details, false), null);
  const gauge = { ...info("a"), type: "gauge" };
  assert.equal(aggregationOf({ ...panel, show: "heatmap" }, gauge, details, false)?.id, "last");
});

test("a utilisation is a share, other plain numbers are not", () => {
  const gauge = chosenOf(aggregationsOf("gauge", null, false), "last");
  const unit = (name: string): string => metricUnitOf({ name, unit: "1", type: "gauge" }, gauge);
  assert.equal(unit("system.cpu.utilization"), "ratio");
  assert.equal(unit("system.cpu.load_average.1m"), "count");
});

test("a query gets only the parameters that it names outside quotes and comments", () => {
  const query = `SELECT '$to' -- $service
    /* $interval */ FROM t WHERE "$x" > $from`;
  const span = { fromMs: 0, toMs: 60_000 };
  assert.deepEqual(paramsOf(query, span, "s"), { from: "1970-01-01T00:00:00.000Z" });
  const all = paramsOf("$from$to$interval $interval_ms $service $other", span, "s");
  assert.deepEqual(all["interval"], "500 milliseconds");
  assert.deepEqual(Object.keys(all), ["from", "to", "interval", "interval_ms", "service"]);
});

test("intervals are round and give a bounded number of points", () => {
  for (const lengthMs of [1_000, 60_000, 600_000, 86_400_000, 7 * 86_400_000]) {
    assert.ok(lengthMs / intervalFor(lengthMs) <= 200, String(lengthMs));
  }
});

test("long rows are a line for each name, wide rows one for each column", () => {
  const long = linesOf(
    answer({ t: "TIMESTAMP_NS", service: "VARCHAR", n: "HUGEINT" }, [
      [at(1), "b", "36893488147419103232"],
      [at(0), "a", 1],
      [at(1), null, null],
    ]),
  );
  assert.deepEqual(long.names, ["(none)", "a", "b"]);
  assert.deepEqual(long.line, [2, 1, 0]);
  assert.equal(long.values[0], 2 ** 65);
  assert.ok(Number.isNaN(long.values[2]));
  const wide = linesOf(answer({ p95: "DOUBLE", day: "DATE", p50: "DOUBLE" }, [[5, at(0), 2]]));
  assert.deepEqual(wide.names, ["p50", "p95"]);
  assert.deepEqual(wide.values, [5, 2]);
  const both = linesOf(
    answer({ t: "TIMESTAMP", s: "VARCHAR", a: "DOUBLE", b: "DOUBLE" }, [[at(0), "x", 1, 2]]),
  );
  assert.deepEqual(both.names, ["x \u00b7 a", "x \u00b7 b"]);
});

test("a query without times or numbers says what it lacks", () => {
  assert.throws(() => linesOf(answer({ n: "BIGINT" }, [])), /TIMESTAMP/);
  assert.throws(() => linesOf(answer({ t: "TIMESTAMP", s: "VARCHAR" }, [])), /numbers/);
});

test("an answer becomes a ring, the next one goes on in it, and going back begins anew", () => {
  const lines = (first: number) =>
    linesOf(
      answer({ t: "TIMESTAMP", n: "DOUBLE" }, [
        [at(first), first],
        [at(first + 2), first + 2],
      ]),
    );
  const span = (first: number) => ({
    fromMs: NOON + first * SECOND,
    toMs: NOON + (first + 4) * SECOND,
  });
  const window = (second: number): number => (NOON + second * SECOND) / 100;
  const nothing: Filled = { ring: new PanelRing(1), steps: 1 };
  const first = filled(nothing, lines(10), 10, span(10), -Infinity);
  const value = (of: Filled, second: number): number => of.ring.value("value", 0, window(second));
  assert.equal(value(first, 10), 10);
  assert.ok(Number.isNaN(value(first, 11)));
  assert.equal(value(first, 12), 12);
  const builds = first.ring.seriesVersion;
  const next = filled(first, lines(12), 10, span(12), NOON + 15 * SECOND);
  assert.equal(next.ring, first.ring);
  assert.equal(next.ring.seriesVersion, builds);
  assert.deepEqual([12, 13, 14].map((second) => value(next, second)), [12, 0, 14]);
  assert.ok(Number.isNaN(value(next, 15)));
  assert.notEqual(filled(next, lines(5), 10, span(5), -Infinity).ring, next.ring);
});

test("points further apart than was asked for make longer steps", () => {
  const minutes = [0, 1, 2, 3].map((minute) => [
    new Date(NOON + minute * 60_000).toISOString(),
    minute,
  ]);
  assert.equal(unitOf(linesOf(answer({ t: "TIMESTAMP", n: "DOUBLE" }, minutes)), 500), 600);
  assert.equal(unitOf(linesOf(answer({ t: "TIMESTAMP", n: "DOUBLE" }, [])), 500), 5);
});

test("a query runs every five seconds live, and once for a time that stands still", async () => {
  let nowMs = 0;
  let runs = 0;
  const notes: string[] = [];
  const source = new QuerySource(
    { query: "SELECT $from" },
    () => {
      runs += 1;
      return runs === 2
        ? Promise.reject(new Error("no such table"))
        : Promise.resolve(answer({ t: "TIMESTAMP", n: "DOUBLE" }, []));
    },
    () => {},
    (note) => notes.push(note),
    () => nowMs,
  );
  const want = async (live: boolean, fromMs = nowMs): Promise<void> => {
    source.want({ fromMs, toMs: fromMs + 60_000 }, live, "");
    await new Promise((done) => setImmediate(done));
  };
  await want(true);
  nowMs = 4_900;
  await want(true);
  assert.equal(runs, 1);
  nowMs = 5_000;
  await want(true);
  assert.equal(runs, 2);
  assert.equal(notes.at(-1), "no such table");
  nowMs = 6_000;
  await want(false, 1_000);
  assert.equal(runs, 3);
  nowMs = 60_000;
  await want(false, 1_000);
  assert.equal(runs, 3);
  await want(false, 2_000);
  assert.equal(runs, 4);
});

test("no more than so many run at once, and a failure gives its turn back", async () => {
  const turns = new Turns(2);
  let running = 0;
  let most = 0;
  const work = async (fails: boolean): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((done) => setImmediate(done));
    running -= 1;
    if (fails) throw new Error("failed");
  };
  const all = [true, false, true, false, false].map((fails) => turns.take(() => work(fails)));
  const results = await Promise.allSettled(all);
  assert.equal(most, 2);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 3);
});
