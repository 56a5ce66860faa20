/** The report's charts, from its panels. */
import type { HeatSpec } from "../chart/heatchart";
import { LineReader } from "../chart/sample";
import type { Kind } from "../chart/sample";
import type { ChartSpec, Labels, RingHolder, Source } from "../chart/spec";
import { METRIC_KIND, aggregationsOf, chosenOf, unitOf } from "../pages/metric-choices";
import { groupColour, serviceColours, severityColour } from "../palette";
import type { ColourName } from "../palette";
import { ringOf } from "./document";
import type { MetricData, PanelData, ReportData } from "./document";
import { shownView } from "./view";

const PERCENTILES: [string, ColourName][] = [
  ["p99", "--series-3"],
  ["p95", "--series-1"],
  ["p50", "--series-0"],
];
/** What the legend's numbers are while nothing is pointed at. */
const MEAN = "mean";
const GREATEST = "greatest";
const NO_SPANS = "No spans in this range.";

export interface ReportCharts {
  spans: ChartSpec[];
  durations: HeatSpec;
  latency: ChartSpec[];
  logs: ChartSpec;
  host: ChartSpec[];
  metrics: ChartSpec[];
}

export function chartsOf({ panels, service_latency, metrics }: ReportData): ReportCharts {
  const byService = { ring: ringOf(panels.by_service) };
  const ofService = (measure: string): Source => ({
    ...summed(byService, measure, "rate", MEAN),
    label: serviceOf,
    colour: (labels) => serviceColours.of(serviceOf(labels)),
  });
  return {
    spans: [
      {
        title: "Spans by service",
        unit: "per_second",
        note: () => MEAN,
        sources: [ofService("rate")],
        empty: NO_SPANS,
      },
      {
        title: "Errors by service",
        unit: "per_second",
        note: () => MEAN,
        sources: [ofService("error_rate")],
        empty: NO_SPANS,
      },
      latencyChart("Latency of spans", panels.spans),
    ],
    durations: {
      title: "Durations of spans",
      counted: "spans in a cell",
      unit: "ms",
      panel: { ring: ringOf(panels.durations) },
      leastWindows: 1,
      empty: NO_SPANS,
    },
    latency: service_latency.map(({ service, panel }) => latencyChart(service, panel)),
    logs: logChart(panels.severities),
    host: hostCharts(panels),
    metrics: metrics.rows.map(metricChart),
  };
}

/**
 * A source whose legend sums up what is shown: a rate or a gauge by its mean, a percentile, of which
 * there is no mean, by its greatest value. A point that is pointed at has its own.
 */
function summed(
  panel: RingHolder,
  measure: string,
  kind: Kind,
  sum: typeof MEAN | typeof GREATEST,
): Pick<Source, "panel" | "measure" | "kind" | "number"> {
  const number = (_: number, series: number): number => {
    const { from, to } = shownView();
    const reader = new LineReader({ ring: panel.ring, measure, series, kind }, Infinity);
    const windows = to - from;
    return sum === GREATEST
      ? reader.greatestUntil(to - 1, windows)
      : reader.meanUntil(to - 1, windows);
  };
  return { panel, measure, kind, number };
}

function serviceOf(labels: Labels): string {
  return labels["service"] ?? "";
}

function latencyChart(title: string, data: PanelData): ChartSpec {
  const panel = { ring: ringOf(data) };
  return {
    title,
    unit: "ms",
    note: () => GREATEST,
    sources: PERCENTILES.map(([measure, colour]) => ({
      ...summed(panel, measure, "percentile", GREATEST),
      label: () => measure,
      colour: () => colour,
    })),
    empty: NO_SPANS,
  };
}

function logChart(data: PanelData): ChartSpec {
  return {
    title: "Logs by severity",
    unit: "per_second",
    note: () => MEAN,
    sources: [
      {
        ...summed({ ring: ringOf(data) }, "rate", "rate", MEAN),
        label: (labels) => labels["kind"] ?? "",
        colour: (labels) => severityColour(labels["kind"] ?? ""),
      },
    ],
    empty: "No logs in this range.",
  };
}

/** Only those of which there is something: a report has no second chance to get data. */
function hostCharts({ cpu, memory, network, disk }: ReportData["panels"]): ChartSpec[] {
  const used = (data: PanelData, name: string, colour: ColourName): Source => ({
    ...summed({ ring: ringOf(data) }, "mean", "gauge", MEAN),
    label: () => name,
    colour: () => colour,
  });
  const io = (data: PanelData, key: string): Source => ({
    ...summed({ ring: ringOf(data) }, "rate", "gauge", MEAN),
    label: (labels) => labels[key] ?? "",
    colour: (labels) => groupColour(labels[key] ?? ""),
  });
  const charts: [PanelData[], ChartSpec][] = [
    [
      [cpu, memory],
      {
        title: "Host CPU and memory",
        unit: "ratio",
        note: () => MEAN,
        sources: [used(cpu, "CPU", "--series-0"), used(memory, "memory", "--series-1")],
        empty: "",
      },
    ],
    [
      [network],
      {
        title: "Host network",
        unit: "bytes_per_second",
        note: () => MEAN,
        sources: [io(network, "network.io.direction")],
        empty: "",
      },
    ],
    [
      [disk],
      {
        title: "Host disk",
        unit: "bytes_per_second",
        note: () => MEAN,
        sources: [io(disk, "disk.io.direction")],
        empty: "",
      },
    ],
  ];
  return charts.filter(([panels]) => panels.some(hasValues)).map(([, spec]) => spec);
}

function hasValues({ values }: PanelData): boolean {
  return Object.values(values).some((rows) => rows.some((row) => row.some((v) => v !== null)));
}

function metricChart({ name, type, unit, aggregation: id, panel: data }: MetricData): ChartSpec {
  const panel = { ring: ringOf(data) };
  const aggregation = chosenOf(aggregationsOf(type, null, false), id);
  const several = aggregation.measures.length > 1;
  return {
    title: `${name}, ${aggregation.text}`,
    unit: unitOf({ name, unit, type }, aggregation),
    note: () => (several ? GREATEST : MEAN),
    sources: aggregation.measures.map((measure) => ({
      ...summed(panel, measure, METRIC_KIND, several ? GREATEST : MEAN),
      label: (labels) => (several ? measure : serviceOf(labels)),
      colour: (labels) => colourOf(measure) ?? serviceColours.of(serviceOf(labels)),
    })),
    empty: "No points of this metric in this range.",
  };
}

function colourOf(measure: string): ColourName | undefined {
  return PERCENTILES.find(([name]) => name === measure)?.[1];
}
