/** One panel of a dashboard: a metric, a query or words. */
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import type { ChartSpec } from "../chart/spec";
import { spanOf, viewOf } from "../chart/view";
import { plainUnitOf } from "../pages/metric-choices";
import { groupColours, serviceColours } from "../palette";
import { Chart } from "../parts/chart";
import { useFeed } from "../parts/context";
import { MetricChart, MetricHeatmap } from "../parts/metric-chart";
import { Seen } from "../parts/seen";
import { fixedTime, range, service } from "../state/app";
import { MEASURE } from "./answer";
import { useKnownMetrics, useMetricDetails } from "./known";
import { titleOf } from "./model";
import type { BoardPanel, MetricPanel, SqlPanel } from "./model";
import { QuerySource, runQuery } from "./query";
import { aggregationOf, groupByOf, groupNoteOf, metricOf } from "./resolve";

interface PanelProps<P> {
  panel: P;
  tools?: ComponentChildren;
}

export function PanelView({ panel, tools }: PanelProps<BoardPanel>) {
  switch (panel.kind) {
    case "metric":
      return <MetricView panel={panel} tools={tools} />;
    case "sql":
      return <QueryView key={`${panel.zero} ${panel.query}`} panel={panel} tools={tools} />;
    default:
      return (
        <Frame title={panel.title ?? ""} tools={tools}>
          <p class="words">{panel.text}</p>
        </Frame>
      );
  }
}

function MetricView({ panel, tools }: PanelProps<MetricPanel>) {
  const known = useKnownMetrics();
  const info = known && metricOf(panel, known);
  const details = useMetricDetails(info?.name);
  if (!info || !details) {
    return (
      <Frame title={titleOf(panel)} tools={tools}>
        <p class="quiet">{known && !info ? missing(panel) : "Loading"}</p>
      </Frame>
    );
  }
  const groupBy = groupByOf(panel, details);
  const aggregation = aggregationOf(panel, info, details, groupBy !== "");
  const shared = {
    info,
    service: panel.service || service.value,
    tools,
    ...(panel.title && { title: panel.title }),
  };
  if (!aggregation) return <MetricHeatmap key={info.name} {...shared} />;
  const key = `${info.name} ${aggregation.id} ${groupBy}`;
  return (
    <MetricChart
      key={key}
      {...shared}
      aggregation={aggregation}
      groupBy={groupBy}
      note={groupNoteOf(panel, groupBy)}
    />
  );
}

function missing({ metrics }: MetricPanel): string {
  return `Nothing has sent ${metrics.join(" or ")}.`;
}

function QueryView({ panel, tools }: PanelProps<SqlPanel>) {
  const feed = useFeed();
  const place = useRef<HTMLDivElement>(null);
  const note = useSignal({ text: "", bad: false });
  const source = useMemo(
    () =>
      new QuerySource(
        panel,
        runQuery,
        () => feed.request(),
        (text, bad) => (note.value = { text, bad }),
        () => performance.now(),
      ),
    [],
  );
  useEffect(() => {
    if (!place.current) return undefined;
    const seen = new Seen(place.current, () => feed.request());
    const look = (): void => {
      if (!seen.now || document.hidden) return;
      const fixed = fixedTime.peek();
      const shown = spanOf(viewOf(feed.endWindow, range.peek(), fixed));
      source.want(shown, fixed === null, service.peek());
    };
    const stop = feed.onPaint(look);
    // A pause paints nothing, and what was skipped while time moved is still wanted.
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      stop();
      clearInterval(timer);
      seen.stop();
      source.stop();
    };
  }, [feed]);
  const title = titleOf(panel);
  const spec = useMemo((): ChartSpec => {
    const colours = groupColours();
    const services = feed.connection.services.peek() ?? [];
    return {
      title,
      unit: plainUnitOf(panel.unit ?? ""),
      sources: [
        {
          panel: source,
          measure: MEASURE,
          kind: "gauge",
          label: ({ name = "" }) => name,
          colour: ({ name = "" }) =>
            services.includes(name) ? serviceColours.of(name) : colours(name),
        },
      ],
      empty: "The query has no rows in this range.",
    };
  }, [title, panel.unit]);
  const { text, bad } = note.value;
  return (
    <div class="query" ref={place}>
      <Chart spec={spec} tools={tools} />
      {text !== "" && (
        <p class={bad ? "note bad" : "note quiet"} role={bad ? "alert" : "status"} title={text}>
          {text}
        </p>
      )}
    </div>
  );
}

const LOOK_EVERY_MS = 1_000;

function Frame({
  title,
  tools,
  children,
}: {
  title: string;
  tools?: ComponentChildren;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class="chart" aria-labelledby={title === "" ? undefined : id}>
      <div class="chart-head">
        <h2>
          <span id={id}>{title}</span>
        </h2>
        {tools}
      </div>
      <div class="chart-body">{children}</div>
    </section>
  );
}
