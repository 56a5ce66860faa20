/** Keeps one live feed open: subscribes, resumes, measures the clocks, tries again. */
import { batch, signal } from "@preact/signals";
import { RetryPolicy } from "./backoff";
import type { TransportKind } from "./backoff";
import { ServerClock } from "./clock";
import type {
  ControlMessage,
  EventStream,
  Frame,
  Mark,
  MetricInfo,
  Subscription,
} from "./protocol";
import { decodeFrame } from "./protocol";
import type { LiveStore } from "./store";
import type { OpenTransport, Transport } from "./transport";

const PING_EVERY_MS = 5_000;
/** The first answers come while the page is still being built: some more, soon. */
const FIRST_PINGS_EVERY_MS = 400;
/** A server that stays silent for so long after that is gone, even if TCP has not noticed. */
const SILENCE_MS = 7_000;
const RESUMED_NOTICE_MS = 4_000;

export type Phase = "connecting" | "live" | "lagging" | "collector_down" | "reconnecting";

/** Where time comes from: a test moves it by hand. Times in Unix ms. */
export interface Timers {
  now(): number;
  after(delayMs: number, run: () => void): number;
  cancel(timer: number): void;
}

export interface ConnectionOptions {
  store: LiveStore;
  open: Record<TransportKind, OpenTransport>;
  timers: Timers;
  random?: () => number;
  /** A frame is in the store, at this cost of main-thread time; paint it, then call `ack`. */
  onFrame(frame: Frame, costMs: number): void;
}

export class LiveConnection {
  readonly phase = signal<Phase>("connecting");
  readonly kind = signal<TransportKind>("websocket");
  /** What just happened, for a few seconds after a reconnect. */
  readonly notice = signal<string>("");
  /** The last message or frame that was refused, and what to do. */
  readonly problem = signal<string>("");
  /** Null until the first catalog has come. */
  readonly services = signal<string[] | null>(null);
  readonly metrics = signal<MetricInfo[]>([]);
  /** The marks of the last minutes, newest first. */
  readonly marks = signal<Mark[]>([]);
  /** The newest events of what was last asked for by `stream`; null before they come. */
  readonly events = signal<EventStream | null>(null);
  readonly version = signal<string>("");
  readonly clock = new ServerClock();
  reconnects = 0;

  private readonly panels = new Map<number, Subscription>();
  private readonly policy: RetryPolicy;
  private transport: Transport | null = null;
  /** Of which service events are wanted, null: of all; undefined: no events. */
  private streamed: string | null | undefined = undefined;
  private hz = 10;
  private openedMs = 0;
  private heard = false;
  private lostEpoch: string | null = null;
  private pingTimer = 0;
  private retryTimer = 0;
  private noticeTimer = 0;
  private reopening = false;

  constructor(private readonly options: ConnectionOptions) {
    this.policy = new RetryPolicy(options.random);
  }

  start(): void {
    this.connect();
  }

  subscribe(panel: Subscription): void {
    this.panels.set(panel.id, panel);
    if (this.transport?.interactive) this.transport.send({ type: "subscribe", ...panel });
    else this.reopenSoon();
  }

  unsubscribe(id: number): void {
    this.panels.delete(id);
    if (this.transport?.interactive) this.transport.send({ type: "unsubscribe", id });
    else this.reopenSoon();
  }

  /** Keeps the newest events of a service coming, null: of all; undefined: no more. */
  stream(service: string | null | undefined): void {
    if (service === this.streamed) return;
    this.streamed = service;
    this.events.value = null;
    if (this.transport?.interactive) this.sendStream();
    else this.reopenSoon();
  }

  /** At most so many frames a second; 0 stops them. */
  setRate(hz: number): void {
    if (hz === this.hz) return;
    this.hz = hz;
    if (this.transport?.interactive) this.transport.send({ type: "rate", hz });
    else this.reopenSoon();
  }

  ack(sequence: number): void {
    this.transport?.send({ type: "ack", sequence });
  }

  /** The network is back or somebody looks: do not wait for the timer. */
  retryNow(): void {
    if (this.transport || this.phase.value !== "reconnecting") return;
    this.options.timers.cancel(this.retryTimer);
    this.connect();
  }

  private connect(): void {
    const panels = [...this.panels.values()];
    const { kind } = this.policy;
    // Server-sent events cannot be paused, only be absent.
    if (kind === "events" && (this.hz === 0 || panels.length === 0)) return;
    this.kind.value = kind;
    this.openedMs = this.options.timers.now();
    this.expectWithin(SILENCE_MS, () => this.died());
    this.transport = this.options.open[kind](
      {
        onOpen: () => this.opened(),
        onControl: (message) => this.control(message),
        onFrame: (bytes, ids) => this.frame(bytes, ids),
        onDeath: () => this.died(),
      },
      panels,
      this.streamed,
    );
  }

  private sendStream(): void {
    const { streamed } = this;
    const stream = streamed !== undefined;
    this.transport?.send({ type: "events", service: streamed ?? null, stream });
  }

  private opened(): void {
    const { store } = this.options;
    if (!this.transport?.interactive) {
      // Nothing can be asked of server-sent events; when they end, the browser knows.
      this.options.timers.cancel(this.pingTimer);
      return;
    }
    if (store.complete) {
      const { epoch, sequence } = store;
      this.transport.send({ type: "resume", epoch: epoch as string, sequence });
    }
    if (this.streamed !== undefined) this.sendStream();
    if (this.hz !== 10) this.transport.send({ type: "rate", hz: this.hz });
    for (const panel of this.panels.values()) this.transport.send({ type: "subscribe", ...panel });
    this.ping();
  }

  private ping(): void {
    this.transport?.send({ type: "ping", t: this.options.timers.now() });
    const everyMs = this.clock.settled ? PING_EVERY_MS : FIRST_PINGS_EVERY_MS;
    this.expectWithin(everyMs, () => this.expectWithin(SILENCE_MS, () => this.died()));
  }

  /** Pings again after a time in which something was heard, else calls `onSilence`. */
  private expectWithin(delayMs: number, onSilence: () => void): void {
    const { timers } = this.options;
    timers.cancel(this.pingTimer);
    this.heard = false;
    this.pingTimer = timers.after(delayMs, () => (this.heard ? this.ping() : onSilence()));
  }

  private control(message: ControlMessage): void {
    this.heard = true;
    switch (message.type) {
      case "hello":
        this.version.value = message.version;
        if (this.phase.value !== "live") this.phase.value = "live";
        return;
      case "catalog":
        batch(() => {
          this.services.value = message.services;
          this.metrics.value = message.metrics;
        });
        return;
      case "marks":
        this.marks.value = message.marks;
        return;
      case "events":
        if (message.service === this.streamed) this.events.value = message;
        return;
      case "state":
        this.phase.value = message.state;
        return;
      case "pong":
        this.clock.observe(message.t, this.options.timers.now(), message.server_time_ms);
        return;
      case "error":
        this.problem.value = `${message.title}. ${message.detail}`;
    }
  }

  private frame(bytes: Uint8Array, ids: number[] | null): void {
    const startMs = this.options.timers.now();
    this.heard = true;
    let frame: Frame;
    try {
      frame = decodeFrame(bytes);
    } catch (error) {
      this.problem.value = `A frame could not be read: ${String(error)} Reload the page.`;
      return;
    }
    if (ids) for (const panel of frame.panels) panel.id = ids[panel.id - 1] ?? 0;
    this.options.store.apply(frame);
    if (this.lostEpoch !== null) {
      const kept = this.lostEpoch === frame.epoch;
      this.lostEpoch = null;
      this.announce(kept ? "resumed, nothing missed" : "reconnected, history loaded again");
    }
    this.options.onFrame(frame, this.options.timers.now() - startMs);
  }

  private died(): void {
    const { timers, store } = this.options;
    timers.cancel(this.pingTimer);
    this.transport?.close();
    this.transport = null;
    this.lostEpoch ??= store.epoch;
    this.reconnects += 1;
    this.phase.value = "reconnecting";
    const delayMs = this.policy.died(timers.now() - this.openedMs);
    this.retryTimer = timers.after(delayMs, () => this.connect());
  }

  private announce(text: string): void {
    const { timers } = this.options;
    timers.cancel(this.noticeTimer);
    this.notice.value = text;
    this.noticeTimer = timers.after(RESUMED_NOTICE_MS, () => (this.notice.value = ""));
  }

  /** With server-sent events a change of panels is a new request; many changes are one. */
  private reopenSoon(): void {
    if (this.policy.kind !== "events" || this.reopening) return;
    this.reopening = true;
    this.options.timers.after(0, () => {
      this.reopening = false;
      this.options.timers.cancel(this.retryTimer);
      this.options.timers.cancel(this.pingTimer);
      this.transport?.close();
      this.transport = null;
      this.connect();
    });
  }
}
