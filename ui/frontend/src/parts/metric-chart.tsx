/** A metric as lines or as a heatmap. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { HeatSpec } from "../chart/heatchart";
import type { ChartSpec, Labels } from "../chart/spec";
import type { Panel } from "../history/panel";
import type { MetricInfo } from "../live/protocol";
import { METRIC_KIND, plainUnitOf, unitOf } from "../pages/metric-choices";
import type { Aggregation } from "../pages/metric-choices";
import { groupColours, serviceColours } from "../palette";
import type { ColourName } from "../palette";
import { Chart } from "./chart";
import { usePanel } from "./context";
import { Heatmap } from "./heatmap";

const MOST_GROUPS = 20;
/** A live metric is exported every second. */
const EXPORT_WINDOWS = 10;
const EMPTY = "No points of this metric in this range.";

const MEASURE_COLOURS: Record<string, ColourName> = {
  p50: "--series-0",
  p95: "--series-1",
  p99: "--series-3",
};

interface MetricProps {
  info: MetricInfo;
  /** Empty: all. */
  service: string;
  /** Absent: what it shows. */
  title?: string;
  tools?: ComponentChildren;
}

interface LinesProps extends MetricProps {
  aggregation: Aggregation;
  /** `service`, `attribute:KEY` or empty. */
  groupBy: string;
  /** Beside the title. */
  note?: string;
  tall?: boolean;
}

export function MetricChart(props: LinesProps) {
  const { info, service, aggregation, groupBy, tools, note = "", tall = false } = props;
  const title = props.title || `${info.name}, ${aggregation.text}`;
  const panel = usePanel({
    signal: "metrics",
    name: info.name,
    measures: aggregation.measures,
    limit: MOST_GROUPS,
    ...(service === "" ? {} : { service }),
    ...(groupBy === "" ? {} : { group_by: groupBy }),
  });
  const spec = useMemo(
    (): ChartSpec => ({
      title,
      unit: unitOf(info, aggregation),
      tall,
      sources: sourcesOf(panel, aggregation, groupBy),
      note: () => note,
      empty: EMPTY,
    }),
    [panel, title, note, info.name, info.unit, info.type, aggregation, groupBy, tall],
  );
  return <Chart spec={spec} tools={tools} />;
}

export function MetricHeatmap({ info, service, title, tools }: MetricProps) {
  const panel = usePanel({
    signal: "metrics",
    name: info.name,
    measures: ["heatmap"],
    ...(service === "" ? {} : { service }),
  });
  const spec = useMemo(
    (): HeatSpec => ({
      title: title || `${info.name}, distribution`,
      counted: "values in a cell",
      unit: plainUnitOf(info.unit),
      panel,
      leastWindows: EXPORT_WINDOWS,
      empty: EMPTY,
    }),
    [panel, title, info.name, info.unit],
  );
  return <Heatmap spec={spec} tools={tools} />;
}

function sourcesOf(panel: Panel, aggregation: Aggregation, groupBy: string): ChartSpec["sources"] {
  const nameOf = (labels: Labels): string => Object.values(labels)[0] || "(none)";
  const single = aggregation.measures.length === 1;
  const colours = groupColours();
  return aggregation.measures.map((measure) => ({
    panel,
    measure,
    kind: METRIC_KIND,
    label: (labels) => (groupBy === "" ? (single ? aggregation.text : measure) : nameOf(labels)),
    colour: (labels) => {
      if (groupBy === "service") return serviceColours.of(nameOf(labels));
      if (groupBy !== "") return colours(nameOf(labels));
      return MEASURE_COLOURS[measure] ?? "--series-0";
    },
  }));
}
