/** Charts of spans whose points open the traces behind them. */
import type { ChartEvents } from "../chart/plot";
import { openTraces } from "../state/traces";
import type { TraceFilter } from "../state/traces";

interface Pickable {
  traces?: TraceFilter;
}

/** What a chart calls when a point is chosen. */
export function picksOf(
  filter: TraceFilter | undefined,
  plot: HTMLElement,
): Pick<ChartEvents, "onPick"> {
  return filter ? { onPick: (picked) => openTraces(filter, picked, plot) } : {};
}

export function plotClass({ traces }: Pickable): string {
  return traces ? "plot picks" : "plot";
}

/** Makes the plot reachable by keys. */
export function keysOf({ traces }: Pickable): { tabIndex?: number; title?: string } {
  return traces ? { tabIndex: 0, title: "Click, or arrows and Enter: the traces of a point" } : {};
}
