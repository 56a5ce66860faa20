/** What the page knows of the hot windows: one ring per subscription. */
import type { Frame } from "./protocol";
import { WINDOW_MS } from "./protocol";
import { PanelRing } from "./ring";

interface Entry {
  ring: PanelRing;
  windows: number;
}

export class LiveStore {
  epoch: string | null = null;
  sequence = 0;
  /** The last whole window, by the server's clock; 0 before the first frame. */
  endWindow = 0;
  /** The oldest window of the server's ring; 0 before the first frame. */
  oldestWindow = 0;

  private entries = new Map<number, Entry>();

  /** The ring that frames for subscription `id` fill. It keeps its picture until they come. */
  open(id: number, windows: number): PanelRing {
    const known = this.entries.get(id);
    if (known) {
      known.windows = windows;
      known.ring.filled = false;
      return known.ring;
    }
    const ring = new PanelRing();
    this.entries.set(id, { ring, windows });
    return ring;
  }

  close(id: number): void {
    this.entries.delete(id);
  }

  /** True when every panel has its history, so that a new connection needs only what changed. */
  get complete(): boolean {
    return this.epoch !== null && [...this.entries.values()].every((entry) => entry.ring.filled);
  }

  /** Time goes on, whether or not something comes. */
  advance(serverTimeMs: number): void {
    this.endWindow = Math.max(this.endWindow, Math.floor(serverTimeMs / WINDOW_MS) - 1);
  }

  apply(frame: Frame): void {
    if (frame.epoch !== this.epoch) {
      for (const { ring } of this.entries.values()) ring.clear();
      this.epoch = frame.epoch;
      this.endWindow = 0;
    }
    this.sequence = frame.sequence;
    this.oldestWindow = frame.oldestWindow;
    this.advance(frame.serverTimeMs);
    for (const update of frame.panels) {
      const entry = this.entries.get(update.id);
      if (!entry) continue;
      const oldest = Math.max(frame.oldestWindow, this.endWindow - entry.windows + 1);
      entry.ring.apply(update, Math.floor((oldest * WINDOW_MS) / update.resolutionMs));
    }
  }
}
