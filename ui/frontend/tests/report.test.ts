import assert from "node:assert/strict";
import { test } from "node:test";
import { LineReader } from "../src/chart/sample";
import { ringOf } from "../src/report/document";
import type { PanelData } from "../src/report/document";
import { sorted } from "../src/report/table";
import type { Column } from "../src/report/table";

const SECOND_WINDOWS = 10;

const PANEL: PanelData = {
  resolution_ms: 1000,
  first_ms: 60_000,
  windows: 3,
  series: [
    { key: "cart", labels: { service: "cart" } },
    { key: "shop", labels: { service: "shop" } },
  ],
  values: {
    rate: [
      [1, 2, 3],
      [4, 0, 6],
    ],
    p95: [
      [5, null, 7],
      [null, null, null],
    ],
  },
};

test("a panel of the file is a ring with all its values, gaps and series", () => {
  const ring = ringOf(PANEL);
  const reader = (measure: string, series: number, kind: "rate" | "percentile"): LineReader =>
    new LineReader({ ring, measure, series, kind }, Infinity);
  const at = (second: number): number => (60 + second) * SECOND_WINDOWS;
  assert.deepEqual(
    ring.series.map(({ key }) => key),
    ["cart", "shop"],
  );
  assert.equal(ring.value("rate", 1, at(2)), 6);
  assert.ok(Number.isNaN(ring.value("p95", 0, at(1))));
  const end = at(3) - 1;
  assert.equal(reader("rate", 0, "rate").meanUntil(end, 3 * SECOND_WINDOWS), 2);
  assert.equal(reader("p95", 0, "percentile").greatestUntil(end, 3 * SECOND_WINDOWS), 7);
  assert.ok(Number.isNaN(reader("p95", 1, "percentile").greatestUntil(end, 3 * SECOND_WINDOWS)));
});

test("a panel of a range without windows is an empty ring", () => {
  const ring = ringOf({ ...PANEL, windows: 0, series: [], values: { rate: [] } });
  assert.equal(ring.series.length, 0);
  assert.equal(ring.newestWindow, -1);
});

test("open ends of a heatmap's buckets are infinite", () => {
  const buckets: [number | null, number | null][] = [
    [null, 1],
    [1, null],
  ];
  const cells = [
    [1, 0, 2],
    [0, 3, 0],
  ];
  const ring = ringOf({ ...PANEL, series: [], values: { heatmap: cells }, buckets });
  const limits = [...ring.heat.rows].map(({ lower, upper }) => [lower, upper]);
  assert.deepEqual(limits, [
    [-Infinity, 1],
    [1, Infinity],
  ]);
});

test("rows are sorted by a column either way, what is not known last", () => {
  interface Row {
    name: string;
    p95: number | null;
  }
  const rows: Row[] = [
    { name: "b", p95: null },
    { name: "c", p95: 1 },
    { name: "a", p95: 20 },
  ];
  const columns: Column<Row>[] = [
    { title: "name", value: (row) => row.name },
    { title: "p95", numeric: true, value: (row) => row.p95 },
  ];
  const names = (column: number, direction: 1 | -1): string =>
    sorted(rows, columns, { column, direction })
      .map(({ name }) => name)
      .join("");
  assert.equal(names(0, 1), "abc");
  assert.equal(names(1, -1), "acb");
  assert.equal(names(1, 1), "cab");
  assert.equal(sorted(rows, columns, null), rows);
});
