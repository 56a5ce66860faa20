/** When to try again, and over which transport. */

export type TransportKind = "websocket" | "events";

const BASE_MS = 250;
const CAP_MS = 10_000;
/** A connection that dies sooner than this was not a working one. */
const YOUNG_MS = 5_000;
const YOUNG_DEATHS_BEFORE_FALLBACK = 2;

/** Full jitter: anywhere between now and an exponentially growing bound. */
export function fullJitterMs(attempt: number, random: () => number): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}

/**
 * Decides after every death. Two websockets that died young point at a proxy that breaks them:
 * server-sent events get a turn. When those die as well it is the websocket's turn again.
 */
export class RetryPolicy {
  kind: TransportKind = "websocket";
  attempt = 0;
  private youngDeaths = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Takes how long the connection lived, returns how long to wait. */
  died(livedMs: number): number {
    const young = livedMs < YOUNG_MS;
    if (!young) this.attempt = 0;
    if (this.kind === "events") {
      this.kind = "websocket";
      this.youngDeaths = 0;
    } else {
      this.youngDeaths = young ? this.youngDeaths + 1 : 0;
      if (this.youngDeaths >= YOUNG_DEATHS_BEFORE_FALLBACK) this.kind = "events";
    }
    const delayMs = fullJitterMs(this.attempt, this.random);
    this.attempt += 1;
    return delayMs;
  }
}
