/** Everywhere: where am I, is it live and how fresh, and what is looked at. */
import { useEffect } from "preact/hooks";
import { windowsIn } from "../live/feed";
import { WINDOW_MS } from "../live/protocol";
import { PAGES, pageOf } from "../pages/registry";
import { fixedTime, helpOpen, page, range, service, state } from "../state/app";
import { snapshot } from "../state/snapshot";
import { THEMES, theme } from "../state/theme";
import { paused, playing, setRange, speed, togglePause } from "../state/travel";
import { RANGES, formatState } from "../state/url";
import type { Range } from "../state/url";
import { shownSpan } from "../player";
import { format } from "../units";
import { useFeed } from "./context";
import { Icon } from "./icon";
import { describe } from "./status-text";
import { typeTimes } from "./timefields";

export const SERVICE_SELECT_ID = "service";
/** What comes late counts as it does on charts: fewer windows would only show the quickest senders. */
const METER_WINDOWS = windowsIn(RANGES["1m"]);

export function Header() {
  return (
    <header>
      <h1>Tenth</h1>
      <Nav />
      {snapshot ? <SnapshotState /> : <LiveState />}
      <span class="spring" />
      <ServiceSelect />
      <RangeChoice />
      {!snapshot && <PauseButton />}
      <ThemeButton />
      <button class="plain" title="Keys (?)" aria-label="Keys" onClick={() => (helpOpen.value = true)}>
        ?
      </button>
    </header>
  );
}

function Nav() {
  if (PAGES.length < 2) return null;
  return (
    <nav aria-label="Pages">
      {PAGES.map(({ id, title, key }) => (
        <a
          href={`/${formatState({ ...state.value, page: id })}`}
          title={`g ${key}`}
          aria-current={page.value === id ? "page" : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            page.value = id;
          }}
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

function LiveState() {
  return (
    <>
      <FreshnessMeter />
      <ConnectionState />
    </>
  );
}

function SnapshotState() {
  const text = playing.value ? `playing ${speed.value}\u00d7` : "snapshot";
  return (
    <span class="state wait" role="status">
      <Icon name={playing.value ? "play" : "box"} />
      {text}
    </span>
  );
}

function ConnectionState() {
  const { phase, notice, kind } = useFeed().connection;
  const travel = paused.value ? "paused" : playing.value ? `playing ${speed.value}\u00d7` : "";
  const { icon, text, tone } = describe(phase.value, travel, notice.value, kind.value);
  return (
    <span class={`state ${tone}`} role="status">
      <Icon name={icon} />
      {text}
    </span>
  );
}

function FreshnessMeter() {
  const feed = useFeed();
  const { p50, p99 } = feed.freshness.value;
  // Pages without charts are as fresh.
  useEffect(() => {
    const watch = feed.watch();
    watch.select({ signal: "spans", measures: ["rate"] }, METER_WINDOWS);
    return () => watch.close();
  }, [feed]);
  return (
    <span
      class="meter"
      title={
        "Age of the newest event when it is painted, over the last 100 frames. " +
        "It contains how long the sender holds its batches back."
      }
    >
      event {"\u2192"} pixel
      <span>
        p50 <b>{format("ms", p50)}</b>
      </span>
      <span>
        p99 <b>{format("ms", p99)}</b>
      </span>
    </span>
  );
}

function ServiceSelect() {
  const names = useFeed().connection.services.value ?? [];
  const chosen = service.value;
  const all = chosen === "" || names.includes(chosen) ? names : [chosen, ...names];
  return (
    <select
      id={SERVICE_SELECT_ID}
      aria-label="Service"
      title={pageOf(page.value)?.finds ? "Service" : "Service (/)"}
      value={chosen}
      onChange={(event) => (service.value = event.currentTarget.value)}
      onKeyDown={(event) => {
        // Gives the keyboard back to the page.
        if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
      }}
    >
      <option value="">all services</option>
      {all.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

function RangeChoice() {
  const feed = useFeed();
  const fixed = fixedTime.value;
  const lengthMs = fixed ? fixed.toMs - fixed.fromMs : RANGES[range.value];
  return (
    <span class="choice" role="group" aria-label="Time range">
      {(Object.keys(RANGES) as Range[]).map((name) => (
        <button
          key={name}
          // What was paused lacks the window that is under way.
          aria-pressed={Math.abs(RANGES[name] - lengthMs) <= WINDOW_MS}
          onClick={() => setRange(name)}
        >
          {name.replace("m", " m")}
        </button>
      ))}
      <button
        class="from-to"
        title="Type from and to (f)"
        aria-label="From, to"
        onClick={() => typeTimes(feed)}
      >
        <Icon name="clock" />
        <span>{"from\u2013to"}</span>
      </button>
    </span>
  );
}

function PauseButton() {
  const feed = useFeed();
  return (
    <button
      class="pause"
      title="Space"
      aria-label={paused.value ? "Resume" : "Pause"}
      onClick={() => togglePause(shownSpan(feed))}
    >
      <Icon name={paused.value ? "play" : "pause"} />
      <span>{paused.value ? "Resume" : "Pause"}</span>
    </button>
  );
}

function ThemeButton() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  return (
    <button
      class="theme"
      aria-label={`Theme: ${theme.value}`}
      title={`Theme: ${theme.value}. Change to ${next}.`}
      onClick={() => (theme.value = next)}
    >
      <Icon name="theme" />
      <span>{theme.value}</span>
    </button>
  );
}
