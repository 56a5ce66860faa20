/** Time travel: where in time the picture is, and the way back to now. */
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { shownSpan } from "../player";
import { fixedTime } from "../state/app";
import { snapshot } from "../state/snapshot";
import { SPEEDS, backToNow, endAt, play, playing, speed, step, stop } from "../state/travel";
import type { Speed } from "../state/travel";
import { format, formatDateTime } from "../units";
import { historyLoading, historyProblem, useFeed } from "./context";
import { Icon } from "./icon";
import { TimeFields } from "./timefields";

/** How far back the slider reaches, in ms. */
const REACHES: [string, number][] = [
  ["10 min", 600_000],
  ["1 h", 3_600_000],
  ["6 h", 6 * 3_600_000],
  ["24 h", 24 * 3_600_000],
  ["7 d", 7 * 24 * 3_600_000],
];
const SMALL_STEP = 0.1;
const CLOCK_EVERY_MS = 1_000;

export function TimeBar() {
  const travelling = useComputed(() => fixedTime.value !== null);
  return travelling.value ? <Bar /> : null;
}

function Bar() {
  const feed = useFeed();
  const shown = fixedTime.value ?? shownSpan(feed);
  const nowMs = useNow();
  const reach = useSignal(0);
  const reachMs = Math.max(reach.value, fitting(nowMs - shown.fromMs));
  const lengthMs = shown.toMs - shown.fromMs;
  const go = (lengths: number): void => step(lengths, shown, feed.serverNowMs());
  return (
    <section class="timebar" aria-label="Time travel">
      <button title="Back ([)" aria-label="Back" onClick={() => go(-SMALL_STEP)}>
        <Icon name="back" />
      </button>
      <button
        class="play"
        title="Play the past (p)"
        aria-label={playing.value ? "Stop" : "Play"}
        aria-pressed={playing.value}
        onClick={() => (playing.value ? stop() : play())}
      >
        <Icon name={playing.value ? "pause" : "play"} />
      </button>
      <button title="Forward (])" aria-label="Forward" onClick={() => go(SMALL_STEP)}>
        <Icon name="forward" />
      </button>
      <select
        aria-label="Speed"
        value={String(speed.value)}
        onChange={(event) => (speed.value = Number(event.currentTarget.value) as Speed)}
      >
        {SPEEDS.map((times) => (
          <option key={times} value={String(times)}>
            {times}
            {"\u00d7"}
          </option>
        ))}
      </select>
      <input
        type="range"
        aria-label="End of the time shown"
        aria-valuetext={formatDateTime(shown.toMs)}
        min={nowMs - reachMs}
        max={nowMs}
        step={Math.max(100, Math.min(lengthMs / 20, reachMs / 1000))}
        value={shown.toMs}
        onInput={(event) =>
          endAt(Number(event.currentTarget.value), lengthMs, feed.serverNowMs())
        }
      />
      <select
        aria-label="How far back the slider reaches"
        value={String(reachMs)}
        onChange={(event) => (reach.value = Number(event.currentTarget.value))}
      >
        {REACHES.map(([text, ms]) => (
          <option key={ms} value={String(ms)} disabled={ms < fitting(nowMs - shown.fromMs)}>
            {text}
          </option>
        ))}
      </select>
      <TimeFields shown={shown} nowMs={nowMs} />
      <span class="ago quiet">
        {historyLoading.value > 0 ? "loading" : snapshot ? "" : ago(nowMs - shown.toMs)}
      </span>
      <button title={`Back to ${snapshot ? "the end" : "now"} (Esc)`} onClick={backToNow}>
        <Icon name={snapshot ? "forward" : "live"} />
        {snapshot ? "End" : "Now"}
      </button>
      {historyProblem.value !== "" && (
        <p class="bad" role="alert">
          <Icon name="warn" /> {historyProblem.value}
        </p>
      )}
    </section>
  );
}

/** The server's clock, in steps of a second: the slider's end must not creep at every frame. */
function useNow(): number {
  const feed = useFeed();
  const nowMs = useSignal(feed.serverNowMs());
  useEffect(() => {
    historyProblem.value = "";
    const timer = setInterval(() => (nowMs.value = feed.serverNowMs()), CLOCK_EVERY_MS);
    return () => clearInterval(timer);
  }, [feed]);
  return Math.max(nowMs.value, fixedTime.value?.toMs ?? 0);
}

function ago(ms: number): string {
  return `${format("ms", Math.max(0, ms))} ago`;
}

/** The shortest reach that holds so long ago; beyond all of them, that time itself. */
function fitting(agoMs: number): number {
  return REACHES.find(([, ms]) => ms >= agoMs)?.[1] ?? agoMs;
}
