/** Plays the past: moves what is shown, as fast as was chosen. */
import { effect } from "@preact/signals";
import { spanOf, viewOf } from "./chart/view";
import type { LiveFeed } from "./live/feed";
import { WINDOW_MS } from "./live/protocol";
import { fixedTime, range } from "./state/app";
import { advance, playing } from "./state/travel";
import type { TimeSpan } from "./state/url";

const EVERY_MS = 100;
const REDUCED_MOTION_EVERY_MS = 500;
/** A tab that was hidden does not jump when it is seen again. */
const MOST_ELAPSED_MS = 1_000;

export function startPlayer(feed: LiveFeed): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  effect(() => {
    if (!playing.value) return undefined;
    let lastMs = performance.now();
    const timer = setInterval(
      () => {
        const nowMs = performance.now();
        advance(Math.min(nowMs - lastMs, MOST_ELAPSED_MS), feed.serverNowMs());
        lastMs = nowMs;
      },
      still.matches ? REDUCED_MOTION_EVERY_MS : EVERY_MS,
    );
    return () => clearInterval(timer);
  });
}

/** The piece of time that the charts show now; what they will show when nothing has come yet. */
export function shownSpan(feed: Pick<LiveFeed, "endWindow" | "serverNowMs">): TimeSpan {
  const endWindow = feed.endWindow || Math.floor(feed.serverNowMs() / WINDOW_MS) - 1;
  return spanOf(viewOf(endWindow, range.peek(), fixedTime.peek()));
}
