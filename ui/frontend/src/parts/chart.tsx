/** A chart on the page: its frame, its name, and the imperative chart inside. */
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import type { ChartSpec } from "../chart/spec";
import { TimeChart } from "../chart/timechart";
import { viewOf } from "../chart/view";
import { fixedTime, range } from "../state/app";
import { themeVersion } from "../state/theme";
import { backToNow, show } from "../state/travel";
import { useFeed } from "./context";
import { Empty } from "./empty";
import { keysOf, picksOf, plotClass } from "./picks";
import { Seen } from "./seen";

/** `tools` stand beside the title. */
export function Chart({ spec, tools }: { spec: ChartSpec; tools?: ComponentChildren }) {
  const feed = useFeed();
  const id = useId();
  const plot = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const time = useRef<HTMLElement>(null);
  const empty = useSignal(false);

  useEffect(() => {
    if (!plot.current || !legend.current || !time.current) return;
    const chart = new TimeChart(
      plot.current,
      legend.current,
      time.current,
      spec,
      {
        onZoom: (fromMs, toMs) => show({ fromMs, toMs }),
        onZoomOut: backToNow,
        onResize: () => feed.request(),
        ...picksOf(spec.traces, plot.current),
      },
      (isEmpty) => (empty.value = isEmpty),
    );
    const seen = new Seen(plot.current, () => feed.request());
    const stop = feed.onPaint((endWindow) => {
      if (!seen.now) return;
      const view = viewOf(endWindow, range.peek(), fixedTime.peek());
      chart.paint(endWindow, view, themeVersion.peek());
    });
    return () => {
      stop();
      seen.stop();
      chart.destroy();
    };
  }, [feed, spec]);

  return (
    <section class={spec.tall ? "chart tall" : "chart"} aria-labelledby={id}>
      <div class="chart-head">
        <h2>
          <span>
          <span id={id} title={spec.title}>
            {spec.title}
          </span> <small>{spec.note?.()}</small>
        </span>
          <small ref={time} />
        </h2>
        {tools}
      </div>
      <div class="chart-body">
        <div class={plotClass(spec)} ref={plot} role="img" aria-labelledby={id} {...keysOf(spec)} />
        <div
          class="legend-box"
          ref={legend}
          tabIndex={0}
          role="group"
          aria-label={`${spec.title}: values`}
        />
        {empty.value && <Empty text={spec.empty} />}
      </div>
    </section>
  );
}
