/** A query of a panel: its parameters, its pace, and its answer as a ring that a chart reads. */
import { NO_ANSWER } from "../history/lookup";
import { WINDOW_MS } from "../live/protocol";
import { PanelRing } from "../live/ring";
import type { TimeSpan } from "../state/url";
import { filled, linesOf, unitOf } from "./answer";
import type { Filled, SqlAnswer } from "./answer";
import type { SqlPanel } from "./model";
import { Turns } from "./turns";

export type RunQuery = (
  query: string,
  params: Record<string, string | number>,
  stop: AbortSignal,
) => Promise<SqlAnswer>;

const LIVE_EVERY_MS = 5_000;
/** Somebody who scrubs through time does not want every moment on the way. */
const TRAVEL_EVERY_MS = 500;
/** SDKs send spans every 5 s: before that, nothing may only be late. */
const SETTLE_MS = 6_000;
const MOST_POINTS = 120;
const MOST_ROWS = 20_000;
const TIMEOUT_MS = 10_000;
const RUNNING = 2;
const INTERVALS_MS = [
  ...[100, 200, 500],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map((s) => s * 1_000),
  ...[1, 2, 3, 6, 12, 24].map((h) => h * 3_600_000),
];
/** What in a query is no parameter, though it looks like one: comments and quoted text. */
const QUOTED = /--.*|\/\*[^]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"/g;

/** The shortest good interval with at most so many points. */
export function intervalFor(lengthMs: number): number {
  const fits = INTERVALS_MS.find((intervalMs) => lengthMs / intervalMs <= MOST_POINTS);
  return fits ?? INTERVALS_MS.at(-1)!;
}

/** Those of all parameters that the query names: the server refuses others. */
export function paramsOf(
  query: string,
  { fromMs, toMs }: TimeSpan,
  service: string,
): Record<string, string | number> {
  const intervalMs = intervalFor(toMs - fromMs);
  const all = {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    interval: `${intervalMs} milliseconds`,
    interval_ms: intervalMs,
    service,
  };
  const named = new Set(query.replaceAll(QUOTED, " ").match(/(?<=\$)\w+/g));
  return Object.fromEntries(Object.entries(all).filter(([name]) => named.has(name)));
}

export class QuerySource {
  private filled: Filled = { ring: new PanelRing(1), steps: 1 };
  private asked: { service: string; span: TimeSpan; live: boolean } | null = null;
  private askedMs = -Infinity;
  private running: AbortController | null = null;

  /** `onChange`: another ring, look again. `onNote` gets what is to be said, and whether it is bad. */
  constructor(
    private readonly panel: Pick<SqlPanel, "query" | "zero">,
    private readonly run: RunQuery,
    private readonly onChange: () => void,
    private readonly onNote: (text: string, bad: boolean) => void,
    private readonly now: () => number,
  ) {}

  get ring(): PanelRing {
    return this.filled.ring;
  }

  /** Asks anew where that is due; called again and again while it is seen. */
  want(shown: TimeSpan, live: boolean, service: string): void {
    if (this.running || !this.isDue(shown, live, service)) return;
    const intervalMs = intervalFor(shown.toMs - shown.fromMs);
    const span = {
      fromMs: Math.floor(shown.fromMs / intervalMs) * intervalMs,
      // What is still under way looks like less.
      toMs: (live ? Math.floor : Math.ceil)(shown.toMs / intervalMs) * intervalMs,
    };
    this.asked = { service, span: shown, live };
    this.askedMs = this.now();
    const knownMs = live ? shown.toMs - SETTLE_MS : span.toMs;
    void this.ask(span, intervalMs, service, this.panel.zero ? knownMs : -Infinity);
  }

  stop(): void {
    this.running?.abort();
  }

  private isDue(shown: TimeSpan, live: boolean, service: string): boolean {
    const { asked } = this;
    if (!asked || asked.service !== service) return true;
    const sinceMs = this.now() - this.askedMs;
    const length = (span: TimeSpan): number => Math.round((span.toMs - span.fromMs) / 1_000);
    if (live && asked.live && length(shown) === length(asked.span)) {
      return sinceMs >= LIVE_EVERY_MS;
    }
    const other = shown.fromMs !== asked.span.fromMs || shown.toMs !== asked.span.toMs;
    return other && sinceMs >= TRAVEL_EVERY_MS;
  }

  private async ask(
    span: TimeSpan,
    intervalMs: number,
    service: string,
    zeroUntilMs: number,
  ): Promise<void> {
    const running = new AbortController();
    this.running = running;
    try {
      const answer = await this.run(
        this.panel.query,
        paramsOf(this.panel.query, span, service),
        running.signal,
      );
      if (running.signal.aborted) return;
      const lines = linesOf(answer);
      // Where no row is zero, rows are far apart because nothing happened.
      const unit = this.panel.zero ? intervalMs / WINDOW_MS : unitOf(lines, intervalMs);
      this.filled = filled(this.filled, lines, unit, span, zeroUntilMs);
      this.onNote(noteOf(lines.leftOut, answer.truncated === true), false);
    } catch (error) {
      if (running.signal.aborted) return;
      this.onNote((error as Error).message, true);
    } finally {
      this.running = null;
      this.onChange();
    }
  }
}

function noteOf(leftOut: number, truncated: boolean): string {
  if (truncated) return `Only the first ${MOST_ROWS} rows are shown: group by a longer time.`;
  return leftOut > 0 ? `${leftOut} more lines are left out: select fewer.` : "";
}

const turns = new Turns(RUNNING);

export const runQuery: RunQuery = (query, params, stop) =>
  turns.take(async () => {
    stop.throwIfAborted();
    const answer = await fetch("/api/sql", {
      method: "POST",
      signal: stop,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        query,
        ...(Object.keys(params).length > 0 && { params }),
        timeout_ms: TIMEOUT_MS,
        max_rows: MOST_ROWS,
      }),
    }).catch(() => {
      throw new Error(NO_ANSWER);
    });
    const found = (await answer.json().catch(() => ({}))) as SqlAnswer & SqlAnswer["error"];
    const problem = answer.ok ? found.error : found;
    if (problem) throw new Error(problem.detail ?? problem.title ?? `Error ${answer.status}.`);
    return found;
  });
