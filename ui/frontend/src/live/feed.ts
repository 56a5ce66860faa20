/** One frame loop: what came is painted at the browser's next frame, then acknowledged. */
import { effect, signal } from "@preact/signals";
import { LiveConnection } from "./connection";
import { Freshness } from "./freshness";
import { WINDOW_MS } from "./protocol";
import type { Frame, Selection } from "./protocol";
import { RING_WINDOWS } from "./ring";
import type { PanelRing } from "./ring";
import { LiveStore } from "./store";
import { openEventSource, openWebSocket } from "./transport";

/** Paints what changed since it last ran. `endWindow`: the newest window to show. */
export type Painter = (endWindow: number) => void;

/** Read by tests in a real browser, as `window.__tenth.stats`. */
export interface PaintStats {
  frames: number;
  coalesced: number;
  /** Unix ms by this page's clock. */
  lastPaint: number;
  /** When the oldest news of the last frame had come to Tenth, Unix ms by its clock; 0: unknown. */
  arrivalMs: number;
  /** Main-thread time of the last tick: decoding, storing, painting. */
  paintCostMs: number;
  reconnects: number;
}

export interface Watch {
  readonly ring: PanelRing;
  /** Shows this selection from now on, with so much history. */
  select(selection: Selection, windows: number): void;
  close(): void;
}

const METER_EVERY_MS = 500;
/** Without a frame for so long, the page's own clock moves the charts. */
const IDLE_MS = 250;
const REDUCED_MOTION_IDLE_MS = 750;
const FULL_RATE_HZ = 10;
const REDUCED_MOTION_HZ = 2;

const nowMs = (): number => performance.timeOrigin + performance.now();

export class LiveFeed {
  readonly store = new LiveStore();
  readonly connection: LiveConnection;
  readonly paused = signal(false);
  /** Event to pixel in ms, percentiles of the last 100 frames; NaN while unknown. */
  readonly freshness = signal({ p50: NaN, p99: NaN });
  readonly stats: PaintStats = {
    frames: 0,
    coalesced: 0,
    lastPaint: 0,
    arrivalMs: 0,
    paintCostMs: 0,
    reconnects: 0,
  };

  private readonly painters = new Set<Painter>();
  private readonly ages = new Freshness();
  private readonly unpainted: Frame[] = [];
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private applyCostMs = 0;
  private requested = false;
  private shownEndWindow = 0;
  private meterMs = 0;
  private idleTimer = 0;
  private nextId = 1;

  /** `endedMs`: when time ended for what is shown, Unix ms; null: it goes on. */
  constructor(private readonly endedMs: number | null = null) {
    this.connection = new LiveConnection({
      store: this.store,
      open: { websocket: openWebSocket, events: openEventSource },
      timers: {
        now: nowMs,
        after: (delayMs, run) => window.setTimeout(run, delayMs),
        cancel: (timer) => window.clearTimeout(timer),
      },
      onFrame: (frame, costMs) => this.received(frame, costMs),
    });
  }

  start(): void {
    this.chooseRate();
    document.addEventListener("visibilitychange", () => {
      this.chooseRate();
      if (!document.hidden) this.connection.retryNow();
    });
    this.still.addEventListener("change", () => this.chooseRate());
    window.addEventListener("online", () => this.connection.retryNow());
    effect(() => {
      if (this.connection.phase.value === "reconnecting") void this.askWhy();
    });
    this.connection.start();
  }

  /** A panel of its own, for the caller to select and to close. */
  watch(): Watch {
    const id = this.nextId;
    this.nextId += 1;
    const ring = this.store.open(id, 0);
    return {
      ring,
      select: (selection, windows) => {
        this.store.open(id, windows);
        this.connection.subscribe({ id, selection, windows });
        this.chooseRate();
      },
      close: () => {
        this.store.close(id);
        this.connection.unsubscribe(id);
      },
    };
  }

  /** The server's clock now, Unix ms. */
  serverNowMs(): number {
    return this.endedMs ?? nowMs() + this.connection.clock.offsetMs;
  }

  /** Where the live windows begin; before that there is only history. */
  get oldestWindow(): number {
    if (this.endedMs !== null) return Infinity;
    return this.store.oldestWindow || Math.floor(this.serverNowMs() / WINDOW_MS) - RING_WINDOWS;
  }

  /** The newest window on the page; 0 while there is none. */
  get endWindow(): number {
    const live = this.endedMs === null && !this.paused.peek();
    if (this.shownEndWindow > 0 || live) return this.shownEndWindow;
    // The past can be shown though nothing live has come.
    return Math.floor(this.serverNowMs() / WINDOW_MS) - 1;
  }

  /** Calls `painter` on every paint until the returned function is called. */
  onPaint(painter: Painter): () => void {
    this.painters.add(painter);
    this.request();
    return () => this.painters.delete(painter);
  }

  /** Something other than data changed: paint at the next frame. */
  request(): void {
    if (this.requested) return;
    this.requested = true;
    requestAnimationFrame(() => this.paint());
  }

  /** A pause holds the picture and asks the server for nothing; what is missed comes after it. */
  setPaused(paused: boolean): void {
    if (paused === this.paused.peek()) return;
    this.paused.value = paused;
    this.chooseRate();
    this.request();
  }

  /** A websocket that is refused does not say why; a plain request does. */
  private async askWhy(): Promise<void> {
    const answer = await fetch("/api/stats").catch(() => null);
    if (answer?.status !== 401) return;
    this.connection.problem.value = "You are signed out. Reload the page to sign in again.";
  }

  private chooseRate(): void {
    // Also in a pause one can look at something else: its history is still let in.
    const idle = document.hidden || (this.paused.value && this.store.complete);
    this.connection.setRate(idle ? 0 : this.still.matches ? REDUCED_MOTION_HZ : FULL_RATE_HZ);
  }

  private received(frame: Frame, costMs: number): void {
    this.unpainted.push(frame);
    this.applyCostMs += costMs;
    this.chooseRate();
    this.request();
  }

  private paint(): void {
    const startMs = performance.now();
    this.requested = false;
    if (!this.paused.value) this.shownEndWindow = this.store.endWindow;
    try {
      const end = this.endWindow;
      if (end > 0) this.painters.forEach((painter) => painter(end));
    } finally {
      // Also when a chart fails: a frame that is never acknowledged stops all of them.
      this.stats.paintCostMs = this.applyCostMs + performance.now() - startMs;
      this.applyCostMs = 0;
      this.painted();
    }
  }

  /** The server sends no frame when nothing changed; time still passes on the charts. */
  private idle(): void {
    const { clock, phase } = this.connection;
    if (phase.value === "live" && clock.known) this.store.advance(nowMs() + clock.offsetMs);
    if (phase.value === "live" && !document.hidden && !this.paused.value) this.request();
    else this.idleLater();
  }

  private idleLater(): void {
    const delayMs = this.still.matches ? REDUCED_MOTION_IDLE_MS : IDLE_MS;
    window.clearTimeout(this.idleTimer);
    this.idleTimer = window.setTimeout(() => this.idle(), delayMs);
  }

  private painted(): void {
    const paintedMs = nowMs();
    const newest = this.unpainted.at(-1);
    if (newest) this.connection.ack(newest.sequence);
    if (newest) this.stats.arrivalMs = this.unpainted[0]?.arrivalMs ?? 0;
    for (const frame of this.unpainted) {
      this.stats.frames += 1;
      this.stats.coalesced += frame.coalesced;
      if (frame.newestEventMs !== null && !this.paused.value) {
        this.ages.add(paintedMs + this.connection.clock.offsetMs - frame.newestEventMs);
      }
    }
    this.unpainted.length = 0;
    this.stats.lastPaint = paintedMs;
    this.stats.reconnects = this.connection.reconnects;
    this.idleLater();
    if (paintedMs - this.meterMs < METER_EVERY_MS) return;
    this.meterMs = paintedMs;
    this.freshness.value = { p50: this.ages.percentile(0.5), p99: this.ages.percentile(0.99) };
  }
}

/** The last `WINDOW_MS` steps of `rangeMs`. */
export function windowsIn(rangeMs: number): number {
  return Math.round(rangeMs / WINDOW_MS);
}
