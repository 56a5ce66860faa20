/** Charts in the frames that the page has them in, painted from rings that never change. */
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { HeatChart } from "../chart/heatchart";
import type { HeatSpec } from "../chart/heatchart";
import type { ChartEvents } from "../chart/plot";
import type { ChartSpec } from "../chart/spec";
import { TimeChart } from "../chart/timechart";
import type { View } from "../chart/view";
import { onPaint, requestPaint, zoom, zoomTo } from "./view";

/** Beyond the end of the data: all windows are known. */
const LONG_AFTER_WINDOWS = 1_000_000;

interface Hosts {
  plot: HTMLElement;
  note: HTMLElement;
  time: HTMLElement;
}

interface PaintedChart {
  paint(endWindow: number, view: View, theme: number): void;
  destroy(): void;
}

type Make = (hosts: Hosts, events: ChartEvents, onEmpty: (empty: boolean) => void) => PaintedChart;

const EVENTS: ChartEvents = {
  onZoom: zoomTo,
  onZoomOut: () => (zoom.value = null),
  onResize: requestPaint,
};

export function Chart({ spec }: { spec: ChartSpec }) {
  return (
    <Figure
      title={spec.title}
      about={spec.note?.() ?? ""}
      empty={spec.empty}
      make={({ plot, note, time }, events, onEmpty) =>
        new TimeChart(plot, note, time, spec, events, onEmpty)
      }
      note={(host) => (
        <div
          class="legend-box"
          ref={host}
          tabIndex={0}
          role="group"
          aria-label={`${spec.title}: values`}
        />
      )}
    />
  );
}

export function Heatmap({ spec }: { spec: HeatSpec }) {
  return (
    <Figure
      title={spec.title}
      about=""
      empty={spec.empty}
      make={({ plot, note, time }, events, onEmpty) =>
        new HeatChart(plot, time, note, spec, events, onEmpty)
      }
      note={(host) => (
        <p class="legend-box scale">
          1 <i /> <span ref={host} />
        </p>
      )}
    />
  );
}

/** A legend is a div, a scale a part of a paragraph. */
type NoteElement = HTMLSpanElement & HTMLDivElement;

interface FigureProps {
  title: string;
  /** What the legend's numbers are. */
  about: string;
  empty: string;
  make: Make;
  note(host: RefObject<NoteElement | null>): preact.JSX.Element;
}

/** The chart is made once: a report's specs do not change. */
function Figure({ title, about, empty, make, note }: FigureProps) {
  const id = useId();
  const plot = useRef<HTMLDivElement>(null);
  const time = useRef<HTMLTimeElement>(null);
  const noteHost = useRef<NoteElement>(null);
  const isEmpty = useSignal(true);

  useEffect(() => {
    if (!plot.current || !time.current || !noteHost.current) return undefined;
    const hosts = { plot: plot.current, note: noteHost.current, time: time.current };
    const chart = make(hosts, EVENTS, (found) => (isEmpty.value = found));
    const stop = onPaint((view, theme) => chart.paint(view.to + LONG_AFTER_WINDOWS, view, theme));
    return () => {
      stop();
      chart.destroy();
    };
  }, []);

  return (
    <section class="chart" aria-labelledby={id}>
      <h3>
        <span id={id}>{title}</span>
        <small>
          <time ref={time} />
          <span>{about}</span>
        </small>
      </h3>
      <div class="chart-body">
        <div class="plot" ref={plot} role="img" aria-labelledby={id} />
        {note(noteHost)}
        {isEmpty.value && <p class="quiet">{empty}</p>}
      </div>
    </section>
  );
}
