/** The keyboard: single keys, and `g` + letter for pages. */
import type { LiveFeed } from "./live/feed";
import { PAGES } from "./pages/registry";
import { shownSpan } from "./player";
import { SERVICE_SELECT_ID } from "./parts/header";
import { typeTimes } from "./parts/timefields";
import { helpOpen, markBoxOpen, page, traces } from "./state/app";
import { snapshot } from "./state/snapshot";
import { closeTraces } from "./state/traces";
import { THEMES, theme } from "./state/theme";
import { backToNow, play, playing, setRange, step, stop, togglePause } from "./state/travel";

const GO_WITHIN_MS = 1_000;
/** Of what is shown. */
const SMALL_STEP = 0.1;

export function followKeys(feed: LiveFeed): void {
  let goUntilMs = 0;
  const actions: Record<string, () => void> = {
    " ": () => togglePause(shownSpan(feed)),
    "[": () => step(-SMALL_STEP, shownSpan(feed), feed.serverNowMs()),
    "]": () => step(SMALL_STEP, shownSpan(feed), feed.serverNowMs()),
    "{": () => step(-1, shownSpan(feed), feed.serverNowMs()),
    "}": () => step(1, shownSpan(feed), feed.serverNowMs()),
    p: () => (playing.peek() ? stop() : play()),
    "/": () => mainFilter()?.focus(),
    "?": () => (helpOpen.value = !helpOpen.peek()),
    Escape: () => (traces.peek() === "" ? backToNow() : closeTraces()),
    f: () => typeTimes(feed),
    "1": () => setRange("1m"),
    "5": () => setRange("5m"),
    "0": () => setRange("10m"),
    m: () => (markBoxOpen.value = snapshot === null),
    t: () => (theme.value = THEMES[(THEMES.indexOf(theme.peek()) + 1) % THEMES.length] ?? "system"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || takesKey(event)) return;
    const target = event.timeStamp < goUntilMs && PAGES.find(({ key }) => key === event.key);
    goUntilMs = event.key === "g" ? event.timeStamp + GO_WITHIN_MS : 0;
    if (target) page.value = target.id;
    else if (actions[event.key]) actions[event.key]?.();
    else return;
    event.preventDefault();
  });
}

/** The page's own search field, or the choice of services that all pages have. */
function mainFilter(): HTMLElement | null {
  const own = document.querySelector<HTMLElement>("main input[type=search]");
  return own ?? document.getElementById(SERVICE_SELECT_ID);
}

/** True when the focused element has its own use for the key. */
function takesKey(event: KeyboardEvent): boolean {
  const element = event.target as HTMLElement;
  if (document.querySelector("dialog[open]")) return event.key !== "?";
  if (element.isContentEditable) return true;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName)) return true;
  return event.key === " " && ["BUTTON", "A", "SUMMARY"].includes(element.tagName);
}
