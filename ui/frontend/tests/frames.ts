/** Makes frames as the server does. */
import { encode } from "@msgpack/msgpack";
import type { Frame, PanelUpdate } from "../src/live/protocol";
import { decodeFrame } from "../src/live/protocol";

export interface PanelParts {
  id?: number;
  reset?: boolean;
  keys?: string[];
  firstWindow: number;
  offsets: number[];
  /** Measure -> values of all series, series-major. */
  values: Record<string, number[]>;
  /** Limits of a heatmap's buckets, lower and upper in turns. */
  buckets?: number[];
  resolutionMs?: number;
}

export function encodedFrame(panels: PanelParts[], more: Record<string, unknown> = {}): Uint8Array {
  return encode({
    epoch: "e1",
    sequence: 7,
    server_time_ms: 100_000,
    newest_event_ms: null,
    arrival_ms: null,
    coalesced: 0,
    oldest_window: 0,
    ...more,
    panels: panels.map((panel) => ({
      id: panel.id ?? 1,
      reset: panel.reset ?? false,
      series: (panel.keys ?? ["a"]).map((key) => ({ key, labels: { service: key } })),
      first_window: panel.firstWindow,
      offsets: new Uint8Array(new Uint16Array(panel.offsets).buffer),
      values: Object.fromEntries(
        Object.entries(panel.values).map(([measure, column]) => [
          measure,
          new Uint8Array(new Float32Array(column).buffer),
        ]),
      ),
      ...(panel.resolutionMs && { resolution_ms: panel.resolutionMs }),
      ...(panel.buckets && { buckets: new Uint8Array(new Float32Array(panel.buckets).buffer) }),
    })),
  });
}

export function frame(panels: PanelParts[], more: Record<string, unknown> = {}): Frame {
  return decodeFrame(encodedFrame(panels, more));
}

export function update(parts: PanelParts): PanelUpdate {
  return frame([parts]).panels[0] as PanelUpdate;
}
