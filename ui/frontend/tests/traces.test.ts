import assert from "node:assert/strict";
import { test } from "node:test";
import { outline } from "../src/traces/answer";
import type { Span } from "../src/traces/answer";

function span(span_id: string, parent_span_id: string | null): Span {
  const rest = { name: span_id, service: "s", offset_ns: 0, duration_ns: 1, status_code: "unset" };
  return { span_id, parent_span_id, ...rest };
}

function shape(spans: Span[]): string[] {
  return outline(spans).map(({ span: { span_id }, depth }) => " ".repeat(depth) + span_id);
}

test("children stand after their parents, in the order in which they began", () => {
  const spans = [span("a", null), span("b", "a"), span("c", "a"), span("d", "b"), span("e", null)];
  assert.deepEqual(shape(spans), ["a", " b", "  d", " c", "e"]);
});

test("a span whose parent has not come, or that is its own, is shown", () => {
  assert.deepEqual(shape([span("a", "gone"), span("b", "b")]), ["a", "b"]);
});
