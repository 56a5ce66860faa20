import assert from "node:assert/strict";
import { test } from "node:test";
import { describe } from "../src/parts/status-text";
import { liveSetting } from "../src/pages/status-data";
import type { Exporter } from "../src/pages/status-data";
import { formatDateTime } from "../src/units";

const EXPORTER: Exporter = {
  service: "cart",
  sdk_language: "python",
  sdk_version: "1",
  signal: "spans",
  transport: "grpc",
  last_batch_time_ms: 0,
  last_batch_items: 40,
  interval_s: 5,
  clock_offset_ms: 0,
  accepted: 0,
  rejected: 0,
};

test("a slow exporter is told the setting that makes it live, a quick or idle one is not", () => {
  assert.equal(liveSetting(EXPORTER), "OTEL_BSP_SCHEDULE_DELAY=200");
  assert.equal(liveSetting({ ...EXPORTER, signal: "logs" }), "OTEL_BLRP_SCHEDULE_DELAY=200");
  assert.equal(liveSetting({ ...EXPORTER, interval_s: 0.2 }), "");
  assert.equal(liveSetting({ ...EXPORTER, last_batch_items: 1 }), "");
});

test("every state of the connection has a text, and trouble is never hidden by a pause", () => {
  assert.equal(describe("live", "", "", "websocket").text, "live");
  assert.equal(describe("live", "", "", "events").text, "live, over HTTP");
  assert.equal(describe("live", "paused", "", "websocket").text, "paused");
  assert.equal(describe("collector_down", "paused", "", "websocket").text, "collector down");
  assert.equal(describe("lagging", "", "", "websocket").text, "lagging, reduced rate");
  assert.equal(describe("reconnecting", "paused", "", "websocket").text, "reconnecting");
});

test("a time of another day has its date, and 0 is never", () => {
  const now = new Date(2026, 10, 20, 12, 0, 0);
  assert.equal(formatDateTime(new Date(2026, 10, 20, 9, 5, 7).getTime(), now), "09:05:07");
  assert.equal(formatDateTime(new Date(2026, 10, 9, 9, 5, 7).getTime(), now), "2026-11-09 09:05:07");
  assert.equal(formatDateTime(0, now), "\u2013");
});
