import assert from "node:assert/strict";
import { test } from "node:test";
import * as dagre from "@dagrejs/dagre";
import { NODE, layoutOf, smooth } from "../src/map/layout";
import { MOST_EDGES, MOST_NODES, keyOf, mapOf, omitted } from "../src/map/model";
import type { CallRow, MapAnswer, ServiceRow } from "../src/map/model";
import { MapSource } from "../src/map/source";

function row(service: string, more: Partial<ServiceRow> = {}): ServiceRow {
  return { service, spans: 60, errors: 6, requests: 0, failed_requests: 0, p95_ms: null, ...more };
}

function call(caller: string, callee: string, calls: number): CallRow {
  return { caller, callee, calls, errors: 0, rate: calls / 60, error_ratio: 0, p95_ms: null };
}

function answer(edges: CallRow[], services: ServiceRow[] = []): MapAnswer {
  return { from_ms: 0, to_ms: 60_000, services, edges, truncated: false };
}

test("a service's rate is of its requests, of its spans if it has none, or unknown", () => {
  const rows = [row("page"), row("shop", { requests: 30, failed_requests: 3 }), row("alone")];
  const { nodes } = mapOf(answer([call("page", "shop", 30), call("gone", "shop", 1)], rows));
  assert.deepEqual(nodes, [
    { name: "gone", rate: NaN, of: "requests", errorRatio: NaN },
    { name: "page", rate: 1, of: "spans", errorRatio: 0.1 },
    { name: "shop", rate: 0.5, of: "requests", errorRatio: 0.1 },
  ]);
});

test("other numbers and another order are the same topology, another edge is not", () => {
  const before = mapOf(answer([call("a", "b", 5), call("b", "c", 9)]));
  const after = mapOf(answer([call("b", "c", 1), call("a", "b", 7)]));
  assert.equal(before.topology, after.topology);
  assert.deepEqual(before.edges.map(keyOf), after.edges.map(keyOf));
  assert.notEqual(mapOf(answer([call("a", "b", 5), call("c", "b", 9)])).topology, before.topology);
});

test("the busiest services and calls are shown, and how many are not", () => {
  const calls = Array.from({ length: MOST_NODES + 10 }, (_, i) => call("hub", `s${i}`, i + 1));
  const map = mapOf(answer(calls));
  assert.equal(map.nodes.length, MOST_NODES);
  assert.ok(map.nodes.some(({ name }) => name === "hub"));
  assert.ok(!map.nodes.some(({ name }) => name === "s0"));
  assert.equal(omitted(map), `the ${MOST_NODES} busiest of ${MOST_NODES + 11} services`);
  const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
  const all = names.flatMap((a) => names.filter((b) => a !== b).map((b) => call(a, b, 1)));
  const dense = mapOf(answer(all));
  assert.equal(dense.edges.length, MOST_EDGES);
  assert.equal(dense.moreEdges, all.length - MOST_EDGES);
  assert.equal(omitted(mapOf(answer([call("a", "b", 1)]))), "");
});

test("callers stand left of whom they call, nothing overlaps, a circle of calls has a layout", () => {
  const hostile = ["page", "__proto__", 'a"<b>', "constructor"];
  const [page, shop, stock, mail] = hostile as [string, string, string, string];
  const edges = [call(page, shop, 9), call(shop, stock, 8), call(shop, mail, 7), call(mail, shop, 1)];
  const map = mapOf(answer(edges));
  const layout = layoutOf(dagre, map);
  const at = (name: string) => layout.nodes.get(name) ?? assert.fail(name);
  assert.ok(at(page).x + NODE.width < at(shop).x);
  assert.ok(at(shop).x + NODE.width < at(stock).x);
  assert.ok(Math.abs(at(stock).y - at(mail).y) >= NODE.height);
  for (const { x, y } of layout.nodes.values()) {
    assert.ok(x >= NODE.width / 2 && x <= layout.width - NODE.width / 2);
    assert.ok(y >= NODE.height / 2 && y <= layout.height - NODE.height / 2);
  }
  assert.deepEqual([...layout.edges.keys()].sort(), map.edges.map(keyOf).sort());
  for (const { path } of layout.edges.values()) assert.match(path, /^M[\d. -]+([QL][\d. -]+)+$/);
});

test("a line goes from its first point to its last", () => {
  const points = [0, 10, 20, 30].map((x) => ({ x, y: x / 10 }));
  assert.equal(smooth(points), "M0 0Q10 1 15 1.5Q20 2 30 3");
  assert.equal(smooth(points.slice(0, 2)), "M0 0L10 1");
  assert.equal(smooth([]), "");
});

test("a map is asked for every 5 s while time moves, once while it stands, again if it failed", async () => {
  let nowMs = 0;
  let fails = false;
  const asked: number[] = [];
  const problems: string[] = [];
  const source = new MapSource(
    ({ toMs }) => {
      asked.push(toMs);
      return fails ? Promise.reject(new Error("down")) : Promise.resolve(answer([]));
    },
    () => undefined,
    (text) => problems.push(text),
    () => nowMs,
  );
  const look = async (toMs: number, still: boolean): Promise<void> => {
    source.want({ fromMs: toMs - 60, toMs }, still);
    await new Promise(setImmediate);
  };
  await look(100, false);
  nowMs = 4_999;
  await look(200, false);
  nowMs = 5_000;
  await look(300, false);
  assert.deepEqual(asked, [100, 300]);
  fails = true;
  await look(50, true);
  await look(50, true);
  nowMs = 10_000;
  fails = false;
  await look(50, true);
  nowMs = 99_000;
  await look(50, true);
  assert.deepEqual(asked, [100, 300, 50, 50]);
  await look(40, true);
  assert.equal(asked.at(-1), 40);
  assert.deepEqual(problems, ["", "", "down", "", ""]);
});
