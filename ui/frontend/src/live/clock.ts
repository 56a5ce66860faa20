/** The server's clock, as far as this page can know it. */

const SAMPLES = 8;

export class ServerClock {
  private samples: { roundTripMs: number; offsetMs: number }[] = [];

  /** Takes one ping's answer; times of this page in Unix ms. */
  observe(sentMs: number, receivedMs: number, serverMs: number): void {
    const roundTripMs = receivedMs - sentMs;
    this.samples.push({ roundTripMs, offsetMs: serverMs - (sentMs + roundTripMs / 2) });
    if (this.samples.length > SAMPLES) this.samples.shift();
  }

  /** False while one slow answer could still mislead. */
  get settled(): boolean {
    return this.samples.length >= SAMPLES / 2;
  }

  get known(): boolean {
    return this.samples.length > 0;
  }

  /** Server minus page, from the sample with the shortest way, which bounds the error best. */
  get offsetMs(): number {
    if (!this.known) return 0;
    return this.samples.reduce((best, next) => (next.roundTripMs < best.roundTripMs ? next : best))
      .offsetMs;
  }
}
