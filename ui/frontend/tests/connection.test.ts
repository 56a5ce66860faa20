import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryPolicy, fullJitterMs } from "../src/live/backoff";
import { LiveConnection } from "../src/live/connection";
import type { ClientMessage } from "../src/live/protocol";
import { LiveStore } from "../src/live/store";
import type { OpenTransport, TransportEvents } from "../src/live/transport";
import { encodedFrame } from "./frames";
import type { PanelParts } from "./frames";

/** A clock that is moved by hand. */
class ManualTimers {
  nowMs = 1_000_000;
  private waiting: { id: number; atMs: number; run: () => void }[] = [];
  private nextId = 1;

  now = (): number => this.nowMs;

  after = (delayMs: number, run: () => void): number => {
    this.waiting.push({ id: this.nextId, atMs: this.nowMs + delayMs, run });
    this.nextId += 1;
    return this.nextId - 1;
  };

  cancel = (id: number): void => {
    this.waiting = this.waiting.filter((timer) => timer.id !== id);
  };

  move(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const due = this.waiting.filter((timer) => timer.atMs <= untilMs);
      const next = due.sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.cancel(next.id);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = untilMs;
  }
}

/** One transport the connection opened, seen from the server. */
interface Opened {
  kind: string;
  sent: ClientMessage[];
  closed: boolean;
  events: TransportEvents;
}

function setUp() {
  const timers = new ManualTimers();
  const opened: Opened[] = [];
  const open =
    (kind: string): OpenTransport =>
    (events) => {
      const transport: Opened = { kind, sent: [], closed: false, events };
      opened.push(transport);
      return {
        interactive: kind === "websocket",
        send: (message) => void transport.sent.push(message),
        close: () => void (transport.closed = true),
      };
    };
  const store = new LiveStore();
  const connection = new LiveConnection({
    store,
    open: { websocket: open("websocket"), events: open("events") },
    timers,
    random: () => 1,
    onFrame: () => {},
  });
  const panel = {
    id: 4,
    selection: { signal: "spans" as const, measures: ["rate" as const] },
    windows: 600,
  };
  store.open(panel.id, panel.windows);
  connection.subscribe(panel);
  return { timers, opened, store, connection };
}

const last = (opened: Opened[]): Opened => opened.at(-1) as Opened;
const types = (transport: Opened): string[] => transport.sent.map(({ type }) => type);
const HISTORY: PanelParts = {
  id: 4,
  reset: true,
  firstWindow: 990,
  offsets: [0],
  values: { rate: [1] },
};

test("full jitter grows exponentially to a cap and may be anywhere below it", () => {
  const bounds = [0, 1, 2, 3, 10, 50].map((attempt) => fullJitterMs(attempt, () => 1));
  assert.deepEqual(bounds, [250, 500, 1000, 2000, 10_000, 10_000]);
  assert.equal(fullJitterMs(3, () => 0.25), 500);
});

test("two websockets that died young lead to server-sent events, and those back", () => {
  const policy = new RetryPolicy(() => 1);
  policy.died(100);
  assert.equal(policy.kind, "websocket");
  policy.died(100);
  assert.equal(policy.kind, "events");
  policy.died(100);
  assert.equal(policy.kind, "websocket");
  policy.died(60_000);
  policy.died(100);
  assert.equal(policy.kind, "websocket");
});

test("a connection that lived resets the backoff", () => {
  const policy = new RetryPolicy(() => 1);
  assert.equal(policy.died(6_000), 250);
  assert.equal(policy.died(100), 500);
  assert.equal(policy.died(6_000), 250);
});

test("the first connection subscribes and does not resume", () => {
  const { connection, opened } = setUp();
  connection.start();
  last(opened).events.onOpen();
  assert.deepEqual(types(last(opened)), ["subscribe", "ping"]);
});

test("a new connection resumes from the last sequence, and says that nothing was missed", () => {
  const { connection, opened, timers } = setUp();
  connection.start();
  last(opened).events.onOpen();
  last(opened).events.onFrame(encodedFrame([HISTORY], { sequence: 81 }), null);
  last(opened).events.onDeath();
  assert.equal(connection.phase.value, "reconnecting");
  timers.move(250);
  last(opened).events.onOpen();
  assert.deepEqual(last(opened).sent[0], { type: "resume", epoch: "e1", sequence: 81 });
  last(opened).events.onFrame(encodedFrame([], { sequence: 82 }), null);
  assert.equal(connection.notice.value, "resumed, nothing missed");
  timers.move(4_000);
  assert.equal(connection.notice.value, "");
});

test("a server with a new epoch is not said to have missed nothing", () => {
  const { connection, opened, timers } = setUp();
  connection.start();
  last(opened).events.onFrame(encodedFrame([HISTORY]), null);
  last(opened).events.onDeath();
  timers.move(250);
  last(opened).events.onFrame(encodedFrame([HISTORY], { epoch: "e2" }), null);
  assert.equal(connection.notice.value, "reconnected, history loaded again");
});

test("nothing is resumed while a panel still waits for its history", () => {
  const { connection, opened, store, timers } = setUp();
  connection.start();
  last(opened).events.onFrame(encodedFrame([HISTORY]), null);
  store.open(5, 600);
  last(opened).events.onDeath();
  timers.move(250);
  last(opened).events.onOpen();
  assert.ok(!types(last(opened)).includes("resume"));
});

test("a server that does not answer a ping is left", () => {
  const { connection, opened, timers } = setUp();
  connection.start();
  const first = last(opened);
  first.events.onOpen();
  timers.move(13_000);
  assert.equal(first.closed, true);
  assert.equal(opened.length, 2);
});

test("any message proves that the server is there", () => {
  const { connection, opened, timers } = setUp();
  connection.start();
  const first = last(opened);
  first.events.onOpen();
  for (let i = 0; i < 10; i += 1) {
    timers.move(4_000);
    first.events.onControl({ type: "state", state: "live" });
  }
  assert.equal(first.closed, false);
});

test("server-sent events name panels by place, and are closed by a rate of 0", () => {
  const { connection, opened, store, timers } = setUp();
  connection.start();
  last(opened).events.onDeath();
  timers.move(250);
  last(opened).events.onDeath();
  timers.move(500);
  assert.equal(last(opened).kind, "events");
  last(opened).events.onFrame(encodedFrame([{ ...HISTORY, id: 1 }]), [4]);
  assert.equal(store.complete, true);
  connection.setRate(0);
  timers.move(0);
  assert.equal(last(opened).closed, true);
  connection.setRate(10);
  timers.move(0);
  assert.equal(opened.length, 4);
});

test("a frame that cannot be read is told, and the connection goes on", () => {
  const { connection, opened } = setUp();
  connection.start();
  last(opened).events.onFrame(new Uint8Array([0xc1]), null);
  assert.match(connection.problem.value, /Reload the page/);
  last(opened).events.onFrame(encodedFrame([HISTORY]), null);
  assert.equal(last(opened).closed, false);
});
