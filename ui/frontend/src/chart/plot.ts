/** What all charts over time have in common: axes, the synchronised cursor, the zoom. */
import type uPlot from "uplot";
import { resolveColour } from "../palette";
import type { Picked } from "../state/traces";
import { format, formatClock } from "../units";
import type { Unit } from "../units";

export interface ChartEvents {
  onZoom(fromMs: number, toMs: number): void;
  onZoomOut(): void;
  /** A point was chosen; absent: points cannot be. */
  onPick?(picked: Picked): void;
  /** What stands there was made for another size. */
  onResize(): void;
}

const SYNC_KEY = "tenth";
const Y_AXIS_PX = 66;
const X_AXIS_PX = 22;
/** Half a time of day, so that the last one on the axis is whole. */
const RIGHT_PX = 26;
const LEAST_DRAG_PX = 5;
/** Steps between times on the axis, in ms: 0.1 s to a day. */
const TIME_INCREMENTS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 10_800, 21_600, 43_200, 86_400],
].map((s) => s * 1000);
const LINE_SPACE_PX = 34;
/** First digits of a good step between lines. */
const GOOD_STEPS = [1, 2, 2.5, 5];

export const PADDING: uPlot.Padding = [8, RIGHT_PX, 0, 0];

/** How wide the plot between its axes is. uPlot itself knows only after its next layout. */
export function plotWidth(host: HTMLElement): number {
  return Math.max(0, host.clientWidth - Y_AXIS_PX - RIGHT_PX);
}

function look(host: HTMLElement): Partial<uPlot.Axis> {
  return {
    font: `11px ${getComputedStyle(host).fontFamily}`,
    stroke: resolveColour("--muted"),
    grid: { stroke: resolveColour("--grid"), width: 1 },
    ticks: { show: false },
  };
}

export function timeAxis(host: HTMLElement): uPlot.Axis {
  return {
    ...look(host),
    size: X_AXIS_PX,
    space: 80,
    incrs: TIME_INCREMENTS,
    gap: 4,
    values: (_, times) => times.map((time) => formatClock(time)),
  };
}

export function valueAxis(host: HTMLElement, unit: Unit): uPlot.Axis {
  const binary = unit === "bytes" || unit === "bytes_per_second";
  return {
    ...look(host),
    size: Y_AXIS_PX,
    gap: 6,
    splits: (plot, _axis, min, max) =>
      linesUpTo(min, max, plot.bbox.height / devicePixelRatio / LINE_SPACE_PX, binary),
    values: (_, values) => values.map((value) => format(unit, value)),
  };
}

/**
 * Where an axis has its lines: as many as there is room for, in good steps, and one at its very
 * top; where no good step fits, in halves. `min` is zero, or below it as well.
 */
export function linesUpTo(min: number, max: number, most: number, binary: boolean): number[] {
  const reach = Math.max(max, -min);
  const mostLines = Math.floor((most * reach) / (max - min));
  let step = mostLines > 1 ? reach / 2 : reach;
  for (let lines = mostLines; lines > 2; lines -= 1) {
    if (!isGood(reach / lines, binary)) continue;
    step = reach / lines;
    break;
  }
  const lines: number[] = [];
  for (let i = Math.ceil(min / step); i * step <= max; i += 1) {
    lines.push(Number((i * step).toPrecision(12)));
  }
  return lines;
}

function isGood(step: number, binary: boolean): boolean {
  if (binary) return Number.isInteger(Math.log2(step));
  const first = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
  return GOOD_STEPS.some((good) => Math.abs(first - good) < 1e-6);
}

/** An axis of logarithms: `perOctave` steps of its scale double the value. */
export function logAxis(host: HTMLElement, unit: Unit, perOctave: number): uPlot.Axis {
  const placeOf = (value: number): number => Math.log2(value) * perOctave;
  return {
    ...look(host),
    size: Y_AXIS_PX,
    gap: 6,
    splits: (_plot, _axis, min, max) =>
      roundValues(2 ** (min / perOctave), 2 ** (max / perOctave)).map(placeOf),
    values: (_, places) => places.map((place) => format(unit, exact(2 ** (place / perOctave)))),
  };
}

/** Without what a logarithm and back adds in the last digits. */
function exact(value: number): number {
  return Number(value.toPrecision(6));
}

/** Powers of ten in the range; with few of them also their doubles and fivefolds. */
export function roundValues(least: number, most: number): number[] {
  const decades = Math.log10(most / least);
  const steps = decades > 4 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const values: number[] = [];
  for (let power = Math.floor(Math.log10(least)); 10 ** power <= most; power += 1) {
    values.push(...steps.map((step) => step * 10 ** power));
  }
  return values.filter((value) => value >= least && value <= most);
}

export function timeCursor(events: ChartEvents): uPlot.Cursor {
  return {
    y: false,
    points: { size: 5 },
    drag: { x: true, y: false, setScale: false },
    sync: {
      key: SYNC_KEY,
      scales: ["x", null],
      // A drag is one chart's: the others only follow the cursor.
      filters: { pub: (type) => type === "mousemove" || type === "mouseleave" },
    },
    bind: {
      dblclick: () => () => {
        events.onZoomOut();
        return null;
      },
    },
  };
}

/** Zooms to what was dragged over; a click that shook is not meant. */
export function zoomToSelection(plot: uPlot, events: ChartEvents): void {
  const { left, width } = plot.select;
  if (width < LEAST_DRAG_PX) return;
  const fromMs = plot.posToVal(left, "x");
  const toMs = plot.posToVal(left + width, "x");
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  events.onZoom(Math.round(fromMs), Math.round(toMs));
}

/** A second click within this time means something else. */
const SINGLE_CLICK_MS = 250;

/**
 * Calls `pick` when a point is clicked, or chosen by keys: arrows move the cursor of all charts,
 * Enter picks what it stands on.
 */
export function followPicks(plot: uPlot, host: HTMLElement, pick: () => void): void {
  let timer = 0;
  plot.over.addEventListener("click", ({ detail }) => {
    clearTimeout(timer);
    if (detail === 1) timer = window.setTimeout(pick, SINGLE_CLICK_MS);
  });
  host.onkeydown = (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Enter") pick();
    else if (steps !== undefined) moveCursor(plot, steps * (event.shiftKey ? 10 : 1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** By so many points; from the right end when it is nowhere. */
function moveCursor(plot: uPlot, points: number): void {
  const times = plot.data[0];
  const index = (plot.cursor.idx ?? times.length) + points;
  const time = times[Math.max(0, Math.min(times.length - 1, index))];
  if (time === undefined) return;
  const left = plot.valToPos(time, "x");
  // The last argument, which uPlot's types leave out, tells the other charts.
  const setCursor = plot.setCursor as (at: uPlot.Cursor, fire: boolean, tell: boolean) => void;
  setCursor({ left, top: plot.bbox.height / devicePixelRatio / 2 }, true, true);
}
