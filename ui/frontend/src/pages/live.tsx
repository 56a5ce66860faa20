/** Live: is it well, and if not, where? */
import type { ReadonlySignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { HeatSpec } from "../chart/heatchart";
import { NUMBERS_MS, numberAsOf } from "../chart/numbers";
import type { ChartSpec } from "../chart/spec";
import type { Panel } from "../history/panel";
import type { Selection } from "../live/protocol";
import { serviceColours, severityColour } from "../palette";
import type { ColourName } from "../palette";
import { Card } from "../parts/card";
import { Chart } from "../parts/chart";
import { Events } from "../parts/events";
import { useFeed, usePanel } from "../parts/context";
import { Welcome } from "../parts/welcome";
import { service } from "../state/app";
import { Heatmap } from "../parts/heatmap";
import { SeriesTable } from "../parts/seriestable";
import { liveCards } from "./live-cards";
import { OPERATIONS, operationTables } from "./live-operations";
import { RECENT } from "./span-numbers";

/** Tenth itself: its spans, and the metrics of the host it runs on. */
const OWN_SERVICE = "tenth";
const SERVICES_SHOWN = 20;

export interface LivePanels {
  byService: Panel;
  spans: Panel;
  /** Numbers of the last seconds. */
  recent: Panel;
  durations: Panel;
  operations: Panel;
  severities: Panel;
  logs: Panel;
  recentLogs: Panel;
  cpu: Panel;
  memory: Panel;
  network: Panel;
  disk: Panel;
}

export function LivePage() {
  const panels = useLivePanels();
  const cards = useMemo(() => liveCards(panels), []);
  const catalog = useFeed().connection.services;
  const charts = useMemo(() => spanCharts(panels, catalog), []);
  const durations = useMemo(() => heatOf(panels.durations), []);
  const logs = useMemo(() => logChart(panels.severities), []);
  const host = useMemo(() => hostCharts(panels), []);
  const tables = useMemo(() => operationTables(panels.operations), []);
  const services = catalog.value;
  const nothingYet = services !== null && services.every((name) => name === OWN_SERVICE);
  return (
    <>
      <div class="cards">
        {cards.map((spec) => (
          <Card key={spec.label} spec={spec} />
        ))}
      </div>
      {nothingYet && <Welcome />}
      {!nothingYet && (
        <>
          <div class="charts">
            {charts.map((spec) => (
              <Chart key={spec.title} spec={spec} />
            ))}
            <Heatmap spec={durations} />
          </div>
          <div class="tables">
            {tables.map((spec) => (
              <SeriesTable key={spec.title} spec={spec} />
            ))}
          </div>
          <Events />
        </>
      )}
      <div class="charts">
        {!nothingYet && <Chart spec={logs} />}
        {host.map((spec) => (
          <Chart key={spec.title} spec={spec} />
        ))}
      </div>
    </>
  );
}

function useLivePanels(): LivePanels {
  const only = service.value === "" ? {} : { service: service.value };
  const host = (name: string, more: Partial<Selection>): Selection => ({
    signal: "metrics",
    service: OWN_SERVICE,
    name,
    measures: ["mean"],
    ...more,
  });
  const byService: Selection = {
    signal: "spans",
    measures: ["rate", "error_rate"],
    group_by: "service",
    limit: SERVICES_SHOWN,
    ...only,
  };
  const spans: Selection = {
    signal: "spans",
    measures: ["rate", "error_rate", "error_ratio", "p50", "p95", "p99"],
    ...only,
  };
  const logs: Selection = { signal: "logs", measures: ["rate"], ...only };
  const byDirection = (key: string): Partial<Selection> => ({
    measures: ["rate"],
    group_by: `attribute:${key}`,
  });
  return {
    byService: usePanel(byService),
    spans: usePanel(spans),
    recent: usePanel({ ...RECENT, measures: ["rate", "error_ratio", "p50", "p95", "p99"], ...only }),
    durations: usePanel({ signal: "spans", measures: ["heatmap"], ...only }),
    operations: usePanel({ ...OPERATIONS, ...only }),
    severities: usePanel({ ...logs, group_by: "kind" }),
    logs: usePanel(logs),
    recentLogs: usePanel({ ...logs, window_ms: NUMBERS_MS }),
    cpu: usePanel(host("system.cpu.utilization", {})),
    memory: usePanel(host("system.memory.utilization", {})),
    network: usePanel(host("system.network.io", byDirection("network.io.direction"))),
    disk: usePanel(host("system.disk.io", byDirection("disk.io.direction"))),
  };
}

function spanCharts(
  { byService, spans, recent }: LivePanels,
  catalog: ReadonlySignal<string[] | null>,
): ChartSpec[] {
  const busiest = (): string =>
    (catalog.value?.length ?? 0) > SERVICES_SHOWN ? `the ${SERVICES_SHOWN} busiest` : "";
  const ofService = {
    panel: byService,
    kind: "rate" as const,
    label: (labels: Record<string, string>) => labels["service"] ?? "",
    colour: (labels: Record<string, string>) => serviceColours.of(labels["service"] ?? ""),
    onPick: (labels: Record<string, string>) => {
      const name = labels["service"] ?? "";
      service.value = service.value === name ? "" : name;
    },
  };
  const percentile = (measure: string, colour: ColourName) => ({
    panel: spans,
    measure,
    kind: "percentile" as const,
    label: () => measure,
    colour: () => colour,
    number: (asOf: number) => numberAsOf(recent.ring, measure, 0, asOf),
    numbers: recent,
  });
  return [
    {
      title: "Spans by service",
      unit: "per_second",
      sources: [{ ...ofService, measure: "rate" }],
      note: busiest,
      traces: {},
      empty: "No spans in this range.",
    },
    {
      title: "Errors by service",
      unit: "per_second",
      sources: [{ ...ofService, measure: "error_rate" }],
      note: busiest,
      traces: { status: "error" },
      empty: "No spans in this range.",
    },
    {
      title: "Latency of spans",
      unit: "ms",
      sources: [
        percentile("p99", "--series-3"),
        percentile("p95", "--series-1"),
        percentile("p50", "--series-0"),
      ],
      traces: {},
      empty: "No spans in this range.",
    },
  ];
}

function heatOf(panel: Panel): HeatSpec {
  return {
    title: "Durations of spans",
    counted: "spans in a cell",
    unit: "ms",
    panel,
    leastWindows: 1,
    traces: {},
    empty: "No spans in this range.",
  };
}

function logChart(panel: Panel): ChartSpec {
  return {
    title: "Logs by severity",
    unit: "per_second",
    sources: [
      {
        panel,
        measure: "rate",
        kind: "rate",
        label: (labels) => labels["kind"] ?? "",
        colour: (labels) => severityColour(labels["kind"] ?? ""),
      },
    ],
    empty: "No logs in this range.",
  };
}

function hostCharts({ cpu, memory, network, disk }: LivePanels): ChartSpec[] {
  const utilisation = (panel: Panel, name: string, colour: ColourName) => ({
    panel,
    measure: "mean",
    kind: "gauge" as const,
    label: () => name,
    colour: () => colour,
  });
  const io = (panel: Panel, key: string, colours: Record<string, ColourName>) => ({
    panel,
    measure: "rate",
    // Already spread over the time since the counter was read before.
    kind: "gauge" as const,
    label: (labels: Record<string, string>) => directionOf(labels, key),
    colour: (labels: Record<string, string>) => colours[directionOf(labels, key)] ?? "--muted",
  });
  return [
    {
      title: "Host CPU and memory",
      unit: "ratio",
      sources: [utilisation(cpu, "CPU", "--series-0"), utilisation(memory, "memory", "--series-1")],
      empty: "No host metrics yet.",
    },
    {
      title: "Host network",
      unit: "bytes_per_second",
      sources: [
        io(network, "network.io.direction", { receive: "--series-0", transmit: "--series-1" }),
      ],
      empty: "No network metrics yet.",
    },
    {
      title: "Host disk",
      unit: "bytes_per_second",
      sources: [io(disk, "disk.io.direction", { read: "--series-2", write: "--series-4" })],
      empty: "No disk metrics yet.",
    },
  ];
}

/** A panel's label is the attribute's key, with or without the selection's `attribute:`. */
function directionOf(labels: Record<string, string>, key: string): string {
  return labels[key] ?? labels[`attribute:${key}`] ?? "";
}
