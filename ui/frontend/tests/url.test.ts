import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_STATE, formatState, parseState } from "../src/state/url";
import type { PageState } from "../src/state/url";

test("a state survives the address, hostile names too", () => {
  const states: PageState[] = [
    DEFAULT_STATE,
    { page: "status", service: "", range: "10m", zoom: null },
    { page: "live", service: "a&b=c?#%/\u00fc<script>", range: "5m", zoom: null },
    { page: "live", service: "x", range: "1m", zoom: { fromMs: 1_795_178_724_858, toMs: 1_795_178_725_001 } },
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
  assert.equal(parseState("?from=x&to=2026-11-20T00:00:00Z").zoom, null);
  assert.equal(parseState("?from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z").zoom, null);
});
