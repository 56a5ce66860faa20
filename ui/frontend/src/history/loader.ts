/** Keeps one panel's past at hand: what is shown and some time around it, one request at a time. */
import type { Selection } from "../live/protocol";
import type { PanelRing } from "../live/ring";
import type { TimeSpan } from "../state/url";
import { MEDIA_TYPE, historyUrl, ringOf } from "./answer";

/** Gets an address's bytes. Throws an Error that says what to do. */
export type GetHistory = (url: string, stop: AbortSignal) => Promise<Uint8Array>;

/** So much of what is shown is loaded before and after it, so that scrubbing seldom waits. */
const MARGIN = 1;
/** With less than this left at one side, more is loaded. */
const LEAST_MARGIN = 0.25;
/** Another zoom wants another resolution. */
const SAME_ZOOM = 1.5;
const RETRY_MS = 3_000;

interface Loaded {
  selection: string;
  span: TimeSpan;
  lengthMs: number;
}

export class HistoryLoader {
  /** What is known of the past; null before the first answer. */
  ring: PanelRing | null = null;
  private loaded: Loaded | null = null;
  private running: AbortController | null = null;
  private failedMs = -Infinity;

  /**
   * `onChange`: another ring, look again. `onProblem` gets a text, "" when it is over; `onLoading`
   * is told of every request that begins (1) and ends (-1).
   */
  constructor(
    private readonly get: GetHistory,
    private readonly onChange: () => void,
    private readonly onProblem: (text: string) => void,
    private readonly onLoading: (change: 1 | -1) => void,
    private readonly now: () => number,
  ) {}

  /** Asks for what is missing of `shown`; called again and again while it is shown. */
  want(selection: Selection, shown: TimeSpan): void {
    const name = JSON.stringify(selection);
    if (this.running || this.has(name, shown)) return;
    if (this.now() - this.failedMs < RETRY_MS) return;
    const lengthMs = shown.toMs - shown.fromMs;
    const span = {
      fromMs: Math.max(0, shown.fromMs - MARGIN * lengthMs),
      toMs: Math.min(this.now(), shown.toMs + MARGIN * lengthMs),
    };
    void this.load(selection, { selection: name, span, lengthMs });
  }

  /** Forgets the past, and what is under way. */
  drop(): void {
    this.running?.abort();
    this.running = null;
    this.ring = null;
    this.loaded = null;
    this.failedMs = -Infinity;
  }

  private has(selection: string, shown: TimeSpan): boolean {
    const { loaded } = this;
    if (loaded?.selection !== selection) return false;
    const lengthMs = shown.toMs - shown.fromMs;
    const zoom = lengthMs / loaded.lengthMs;
    const margin = LEAST_MARGIN * lengthMs;
    return (
      zoom < SAME_ZOOM &&
      zoom > 1 / SAME_ZOOM &&
      loaded.span.fromMs <= Math.max(0, shown.fromMs - margin) &&
      loaded.span.toMs >= Math.min(this.now() - margin, shown.toMs + margin)
    );
  }

  private async load(selection: Selection, wanted: Loaded): Promise<void> {
    const running = new AbortController();
    this.running = running;
    this.onLoading(1);
    try {
      const ring = ringOf(await this.get(historyUrl(selection, wanted.span), running.signal));
      if (this.running !== running) return;
      this.ring = ring;
      this.loaded = wanted;
      this.onProblem("");
    } catch (error) {
      if (this.running !== running) return;
      this.failedMs = this.now();
      this.onProblem((error as Error).message);
    } finally {
      this.onLoading(-1);
    }
    this.running = null;
    this.onChange();
  }
}

export const getHistory: GetHistory = async (url, stop) => {
  const answer = await fetch(url, { signal: stop, headers: { Accept: MEDIA_TYPE } });
  if (answer.status === 404) {
    throw new Error("This server has no /api/history. Update Tenth to look further back.");
  }
  if (answer.status === 401) throw new Error("You are not signed in. Reload the page.");
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
    throw new Error(`The past cannot be shown: ${problem.detail ?? problem.title ?? answer.status}`);
  }
  return new Uint8Array(await answer.arrayBuffer());
};
