/** Keeps the marks of the time that is shown at hand. */
import { effect } from "@preact/signals";
import type { LiveFeed } from "../live/feed";
import type { Mark } from "../live/protocol";
import { fixedTime } from "../state/app";
import { liveMarks, pastMarks, shownMarks } from "../state/marks";
import type { TimeSpan } from "../state/url";
import { Lookup } from "./lookup";

const MOST_MARKS = 500;

/** Live marks come by themselves; those of the past are asked for when it is looked at. */
export function followMarks(feed: LiveFeed): void {
  const lookup = new Lookup<{ marks: Mark[] }>(
    ({ marks }) => (pastMarks.value = marks),
    // Charts without marks are charts: whoever serves both says on them that it is away.
    () => undefined,
  );
  effect(() => void (liveMarks.value = feed.connection.marks.value));
  effect(() => {
    if (fixedTime.value) lookup.want(marksUrl(fixedTime.value));
    else {
      lookup.drop();
      pastMarks.value = [];
    }
  });
  effect(() => {
    void shownMarks.value;
    feed.request();
  });
}

/** With so much time around it that scrubbing seldom asks again. */
export function marksUrl({ fromMs, toMs }: TimeSpan): string {
  const lengthMs = toMs - fromMs;
  const query = new URLSearchParams({
    from_ms: String(Math.max(0, Math.floor(fromMs / lengthMs - 1) * lengthMs)),
    to_ms: String(Math.ceil(toMs / lengthMs + 1) * lengthMs),
    limit: String(MOST_MARKS),
  });
  return `/api/marks?${query}`;
}
