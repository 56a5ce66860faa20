import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "@msgpack/msgpack";
import { decodeFrame } from "../src/live/protocol";
import { encodedFrame } from "./frames";

test("a frame decodes to typed columns, whatever their alignment in the message", () => {
  for (const epoch of ["", "1", "12", "123"]) {
    const bytes = encodedFrame(
      [
        {
          reset: true,
          keys: ["a", "b"],
          firstWindow: 17_000_000_000,
          offsets: [0, 2],
          values: { rate: [1.5, NaN, 3, 4] },
        },
      ],
      { epoch, sequence: 81, newest_event_ms: 1.7e12, oldest_window: 16_999_999_000 },
    );
    const frame = decodeFrame(bytes);
    assert.equal(frame.sequence, 81);
    assert.equal(frame.newestEventMs, 1.7e12);
    assert.equal(frame.arrivalMs, null);
    assert.equal(frame.oldestWindow, 16_999_999_000);
    const panel = frame.panels[0]!;
    assert.equal(panel.reset, true);
    assert.deepEqual(panel.series[1], { key: "b", labels: { service: "b" } });
    assert.deepEqual([...panel.offsets], [0, 2]);
    assert.deepEqual([...panel.values.get("rate")!], [1.5, NaN, 3, 4]);
  }
});

test("what is not a frame is refused and never half applied", () => {
  const twoSeries = { keys: ["a", "b"], firstWindow: 1, offsets: [0] };
  assert.throws(() => decodeFrame(encode("text")), TypeError);
  assert.throws(() => decodeFrame(encode({ panels: [] })), TypeError);
  assert.throws(() => decodeFrame(encodedFrame([{ ...twoSeries, values: { rate: [1] } }])), RangeError);
});
