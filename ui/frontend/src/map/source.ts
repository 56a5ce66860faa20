/** Keeps the map of the time that is shown: one request at a time, at a calm pace. */
import type { TimeSpan } from "../state/url";
import { mapOf } from "./model";
import type { MapAnswer, ServiceMap } from "./model";

/** Gets the answer for a piece of time. Throws an Error that says what to do. */
export type GetMap = (span: TimeSpan, stop: AbortSignal) => Promise<MapAnswer>;

const EVERY_MS = 5_000;

export class MapSource {
  private asked: { span: TimeSpan; still: boolean; atMs: number } | null = null;
  private running: AbortController | null = null;
  private failed = false;

  /** `onMap` gets every new map, `onProblem` a text; "" when it is over. */
  constructor(
    private readonly get: GetMap,
    private readonly onMap: (map: ServiceMap) => void,
    private readonly onProblem: (text: string) => void,
    private readonly now: () => number,
  ) {}

  /** Asks anew where that is due; called again and again while the map is seen. */
  want(span: TimeSpan, still: boolean): void {
    if (this.running || !this.isDue(span, still)) return;
    this.asked = { span, still, atMs: this.now() };
    void this.ask(span);
  }

  stop(): void {
    this.running?.abort();
    this.running = null;
  }

  /** What stands still is asked for once, what moves every few seconds. */
  private isDue(span: TimeSpan, still: boolean): boolean {
    const { asked } = this;
    if (!asked || asked.still !== still || lengthOf(asked.span) !== lengthOf(span)) return true;
    const moved = asked.span.fromMs !== span.fromMs;
    if (still && moved) return true;
    return (moved || this.failed) && this.now() - asked.atMs >= EVERY_MS;
  }

  private async ask(span: TimeSpan): Promise<void> {
    const running = new AbortController();
    this.running = running;
    try {
      const map = mapOf(await this.get(span, running.signal));
      if (this.running !== running) return;
      this.failed = false;
      this.onMap(map);
      this.onProblem("");
    } catch (error) {
      if (this.running !== running) return;
      this.failed = true;
      this.onProblem((error as Error).message);
    }
    this.running = null;
  }
}

function lengthOf({ fromMs, toMs }: TimeSpan): number {
  return Math.round(toMs - fromMs);
}

export const getMap: GetMap = async ({ fromMs, toMs }, stop) => {
  const query = new URLSearchParams({
    from_ms: String(Math.max(0, Math.floor(fromMs))),
    to_ms: String(Math.ceil(toMs)),
  });
  const answer = await fetch(`/api/service-map?${query}`, { signal: stop }).catch(() => {
    throw new Error("The server does not answer. The map is tried again by itself.");
  });
  if (answer.ok) return (await answer.json()) as MapAnswer;
  if (answer.status === 401) throw new Error("You are not signed in. Reload the page.");
  const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
  throw new Error(`The map cannot be shown: ${problem.detail ?? problem.title ?? answer.status}`);
};
