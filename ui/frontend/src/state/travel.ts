/** Time travel: pause, step, play the past again, and back to now. Times in Unix ms. */
import { batch, computed, signal } from "@preact/signals";
import { fixedTime, range } from "./app";
import { RANGES } from "./url";
import type { Range, TimeSpan } from "./url";

export const SPEEDS = [1, 2, 5, 10] as const;
export type Speed = (typeof SPEEDS)[number];

export const playing = signal(false);
export const speed = signal<Speed>(1);

/** True while the picture stands still. */
export const paused = computed(() => fixedTime.value !== null && !playing.value);

/** The picture stops as it is, or goes on as it went: live, or playing the past. */
export function togglePause(shown: TimeSpan): void {
  if (fixedTime.peek() === null) pause(shown);
  else if (playing.peek()) stop();
  else if (resumesLive) backToNow();
  else play();
}

/** Whether the picture was live when it was stopped, and nobody has gone elsewhere since. */
let resumesLive = false;

function pause(shown: TimeSpan): void {
  resumesLive = true;
  fixedTime.value = shown;
}

export function play(): void {
  resumesLive = false;
  if (fixedTime.peek() !== null) playing.value = true;
}

export function stop(): void {
  playing.value = false;
}

export function backToNow(): void {
  batch(() => {
    playing.value = false;
    fixedTime.value = null;
  });
}

/** Shows another piece of time, standing still. */
export function show(span: TimeSpan): void {
  resumesLive = false;
  batch(() => {
    playing.value = false;
    fixedTime.value = span;
  });
}

/** Shows so much time, up to the same end. */
export function setRange(name: Range): void {
  const shown = fixedTime.peek();
  batch(() => {
    range.value = name;
    if (shown) fixedTime.value = { fromMs: shown.toMs - RANGES[name], toMs: shown.toMs };
  });
}

/** Moves what is shown by so many of its lengths; what would end after now is live again. */
export function step(lengths: number, shown: TimeSpan, nowMs: number): void {
  const lengthMs = shown.toMs - shown.fromMs;
  endAt(shown.toMs + lengths * lengthMs, lengthMs, nowMs);
}

/** Moves what is shown so that it ends then. Playing goes on from there. */
export function endAt(toMs: number, lengthMs: number, nowMs: number): void {
  resumesLive = false;
  if (toMs >= nowMs) backToNow();
  else fixedTime.value = { fromMs: Math.max(0, toMs - lengthMs), toMs: Math.max(toMs, lengthMs) };
}

/** So much time has passed while playing. Past the present it is live again. */
export function advance(elapsedMs: number, nowMs: number): void {
  const shown = fixedTime.peek();
  if (!shown || !playing.peek()) return;
  const moveMs = elapsedMs * speed.peek();
  if (shown.toMs + moveMs >= nowMs) backToNow();
  else fixedTime.value = { fromMs: shown.fromMs + moveMs, toMs: shown.toMs + moveMs };
}
