/** Which piece of the report's time the charts show, and the one frame that paints them. */
import { signal } from "@preact/signals";
import type { View } from "../chart/view";
import { WINDOW_MS } from "../live/protocol";

export const zoom = signal<View | null>(null);
export const themeVersion = signal(0);

type Paint = (view: View, theme: number) => void;

const paints = new Set<Paint>();
let whole: View = { from: 0, to: 1 };
let asked = false;

/** Says what all of the report's time is. */
export function followView(fromMs: number, toMs: number): void {
  whole = viewOfTimes(fromMs, toMs);
  zoom.subscribe(requestPaint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    themeVersion.value += 1;
    requestPaint();
  });
}

export function zoomTo(fromMs: number, toMs: number): void {
  const { from, to } = viewOfTimes(fromMs, toMs);
  if (to > from) zoom.value = { from, to };
}

/** The piece of time that is shown. */
export function shownView(): View {
  return zoom.peek() ?? whole;
}

/** Calls `paint` in every frame that was asked for, until the returned function is called. */
export function onPaint(paint: Paint): () => void {
  paints.add(paint);
  requestPaint();
  return () => paints.delete(paint);
}

export function requestPaint(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    for (const paint of paints) paint(shownView(), themeVersion.peek());
  });
}

function viewOfTimes(fromMs: number, toMs: number): View {
  return { from: Math.floor(fromMs / WINDOW_MS), to: Math.ceil(toMs / WINDOW_MS) };
}
