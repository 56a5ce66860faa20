import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_STATE, formatState, parseState } from "../src/state/url";
import type { PageState } from "../src/state/url";

test("a state survives the address, hostile names too", () => {
  const states: PageState[] = [
    DEFAULT_STATE,
    { ...DEFAULT_STATE, page: "status", range: "10m" },
    { ...DEFAULT_STATE, service: "a&b=c?#%/\u00fc<script>", range: "5m" },
    { ...DEFAULT_STATE, fixedTime: { fromMs: 1_795_178_724_858, toMs: 1_795_178_725_001 } },
    {
      ...DEFAULT_STATE,
      page: "metrics",
      metric: { name: "a&b", aggregation: "p95", groupBy: "attribute:http.route" },
    },
    { ...DEFAULT_STATE, page: "dashboards", dashboard: "a-b" },
  ];
  for (const state of states) assert.deepEqual(parseState(formatState(state)), state);
});

test("the default state needs no query", () => {
  assert.equal(formatState(DEFAULT_STATE), "");
  assert.deepEqual(parseState(""), DEFAULT_STATE);
});

test("what makes no sense in an address is the default", () => {
  assert.equal(parseState("?range=7d").range, "1m");
  assert.equal(parseState("?range=toString").range, "1m");
  assert.equal(parseState("?from=x&to=2026-11-20T00:00:00Z").fixedTime, null);
  assert.equal(parseState("?from=5&to=4").fixedTime, null);
  assert.equal(parseState("?from=1&to=99999999999999999999").fixedTime, null);
});

test("times in an address may be written as people write them", () => {
  const { fixedTime } = parseState("?from=2026-11-20T00:00:00Z&to=2026-11-20T00:00:01Z");
  assert.deepEqual(fixedTime, { fromMs: 1_795_132_800_000, toMs: 1_795_132_801_000 });
});
