/** The feed, for every part of the page. */
import { signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useEffect, useMemo, useRef } from "preact/hooks";
import { HistoryLoader, getHistory } from "../history/loader";
import { Panel } from "../history/panel";
import { windowsIn } from "../live/feed";
import type { LiveFeed } from "../live/feed";
import type { Selection } from "../live/protocol";
import { RING_WINDOWS } from "../live/ring";
import { fixedTime, range } from "../state/app";
import { RANGES } from "../state/url";

const FeedContext = createContext<LiveFeed | null>(null);

export const FeedProvider = FeedContext.Provider;

/** How many panels wait for their past. */
export const historyLoading = signal(0);

/** Why the past that is asked for is not there; empty when it is. */
export const historyProblem = signal("");

export function useFeed(): LiveFeed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useFeed needs a FeedProvider above it.");
  return feed;
}

/** Watches a selection for as long as the calling part is on the page; null: nothing yet. */
export function usePanel(selection: Selection | null): Panel {
  const feed = useFeed();
  const windows = useHistoryWindows();
  const panel = useMemo(() => {
    const loader = new HistoryLoader(
      getHistory,
      () => feed.request(),
      (text) => (historyProblem.value = text),
      (change) => (historyLoading.value += change),
      () => feed.serverNowMs(),
    );
    return new Panel(feed.watch(), loader);
  }, [feed]);
  useEffect(() => {
    if (selection) panel.select(selection, windows);
  }, [panel, JSON.stringify(selection), windows]);
  useEffect(() => {
    const stop = feed.onPaint(() => {
      if (panel.follow(fixedTime.peek(), feed.oldestWindow)) feed.request();
    });
    return () => {
      stop();
      panel.close();
    };
  }, [panel]);
  return panel;
}

/** How much history to ask for. It only grows: asking for less would lose what is held. */
function useHistoryWindows(): number {
  const most = useRef(0);
  const fromMs = fixedTime.value?.fromMs ?? Infinity;
  const agoMs = Math.max(RANGES[range.value], Date.now() - fromMs);
  // In steps: scrubbing must not ask anew at every move.
  const wanted = Object.values(RANGES).find((rangeMs) => rangeMs >= agoMs);
  most.current = Math.max(most.current, wanted === undefined ? RING_WINDOWS : windowsIn(wanted));
  return most.current;
}
