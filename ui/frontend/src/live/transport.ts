/** The two ways to the live feed, behind one shape. Neither retries: that is the connection's. */
import type { ClientMessage, ControlMessage, Subscription } from "./protocol";
import { SUBPROTOCOL } from "./protocol";

export interface TransportEvents {
  onOpen(): void;
  onControl(message: ControlMessage): void;
  /** `ids[i]` is the subscription that the frame calls `i + 1`; null: ids are the real ones. */
  onFrame(bytes: Uint8Array, ids: number[] | null): void;
  /** Called once, never after `close()`. */
  onDeath(): void;
}

export interface Transport {
  /** False: what is watched is fixed when opening, and nothing can be said. */
  readonly interactive: boolean;
  send(message: ClientMessage): void;
  close(): void;
}

/** `streamed`: of which service events come, null: of all; undefined: no events. */
export type OpenTransport = (
  events: TransportEvents,
  panels: Subscription[],
  streamed: string | null | undefined,
) => Transport;

export const openWebSocket: OpenTransport = (events) => {
  const url = new URL("/api/live", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => events.onOpen();
  socket.onclose = () => events.onDeath();
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") events.onControl(JSON.parse(data) as ControlMessage);
    else events.onFrame(new Uint8Array(data as ArrayBuffer), null);
  };
  return {
    interactive: true,
    send: (message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    close: () => {
      socket.onclose = socket.onmessage = null;
      socket.close();
    },
  };
};

export const openEventSource: OpenTransport = (events, panels, streamed) => {
  const url = new URL("/api/live", location.href);
  for (const panel of panels) {
    url.searchParams.append("selection", JSON.stringify(panel.selection));
  }
  url.searchParams.set("windows", String(Math.max(...panels.map((panel) => panel.windows))));
  if (streamed !== undefined) url.searchParams.set("events", streamed ?? "");
  const ids = panels.map((panel) => panel.id);
  const source = new EventSource(url);
  source.onopen = () => events.onOpen();
  source.onerror = () => {
    source.close();
    events.onDeath();
  };
  source.addEventListener("control", ({ data }: MessageEvent<string>) => {
    events.onControl(JSON.parse(data) as ControlMessage);
  });
  source.addEventListener("frame", ({ data }: MessageEvent<string>) => {
    events.onFrame(
      Uint8Array.from(atob(data), (character) => character.charCodeAt(0)),
      ids,
    );
  });
  return { interactive: false, send: () => {}, close: () => source.close() };
};
