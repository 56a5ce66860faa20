/** The feed, for every part of the page. */
import { createContext } from "preact";
import { useContext, useEffect, useMemo } from "preact/hooks";
import type { LiveFeed } from "../live/feed";
import type { Selection } from "../live/protocol";
import type { PanelRing } from "../live/ring";

const FeedContext = createContext<LiveFeed | null>(null);

export const FeedProvider = FeedContext.Provider;

export function useFeed(): LiveFeed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useFeed needs a FeedProvider above it.");
  return feed;
}

/** Watches a selection for as long as the calling part is on the page. */
export function usePanel(selection: Selection, windows: number): PanelRing {
  const feed = useFeed();
  const watch = useMemo(() => feed.watch(), [feed]);
  useEffect(
    () => watch.select(selection, windows),
    [watch, JSON.stringify(selection), windows],
  );
  useEffect(() => () => watch.close(), [watch]);
  return watch.ring;
}
