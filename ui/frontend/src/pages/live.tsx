/** Live: is it well, and if not, where? */
import { useMemo, useRef } from "preact/hooks";
import type { ChartSpec } from "../chart/spec";
import { windowsIn } from "../live/feed";
import type { Selection } from "../live/protocol";
import { RING_WINDOWS } from "../live/ring";
import type { PanelRing } from "../live/ring";
import { serviceColours, severityColour } from "../palette";
import type { ColourName } from "../palette";
import { Card } from "../parts/card";
import { Chart } from "../parts/chart";
import { useFeed, usePanel } from "../parts/context";
import { Welcome } from "../parts/welcome";
import { range, service, zoom } from "../state/app";
import { RANGES } from "../state/url";
import { liveCards } from "./live-cards";

/** Tenth itself: its spans, and the metrics of the host it runs on. */
const OWN_SERVICE = "tenth";
const SERVICES_SHOWN = 20;

export interface LivePanels {
  byService: PanelRing;
  spans: PanelRing;
  severities: PanelRing;
  logs: PanelRing;
  cpu: PanelRing;
  memory: PanelRing;
  network: PanelRing;
  disk: PanelRing;
}

export function LivePage() {
  const panels = useLivePanels();
  const services = useFeed().connection.services.value;
  const cards = useMemo(() => liveCards(panels), []);
  const charts = useMemo(() => liveCharts(panels), []);
  const host = useMemo(() => hostCharts(panels), []);
  const nothingYet = services !== null && services.every((name) => name === OWN_SERVICE);
  return (
    <>
      <div class="cards">
        {cards.map((spec) => (
          <Card key={spec.label} spec={spec} />
        ))}
      </div>
      {nothingYet && <Welcome />}
      <div class="charts">
        {(nothingYet ? host : [...charts, ...host]).map((spec) => (
          <Chart key={spec.title} spec={spec} />
        ))}
      </div>
    </>
  );
}

function useLivePanels(): LivePanels {
  const windows = useHistoryWindows();
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
    byService: usePanel(byService, windows),
    spans: usePanel(spans, windows),
    severities: usePanel({ ...logs, group_by: "kind" }, windows),
    logs: usePanel(logs, windows),
    cpu: usePanel(host("system.cpu.utilization", {}), windows),
    memory: usePanel(host("system.memory.utilization", {}), windows),
    network: usePanel(host("system.network.io", byDirection("network.io.direction")), windows),
    disk: usePanel(host("system.disk.io", byDirection("disk.io.direction")), windows),
  };
}

/** How much history to ask for. It only grows: asking for less would lose what is held. */
function useHistoryWindows(): number {
  const most = useRef(0);
  const fromMs = zoom.value?.fromMs ?? Infinity;
  const wanted = Math.max(windowsIn(RANGES[range.value]), windowsIn(Date.now() - fromMs));
  most.current = Math.max(most.current, Math.min(wanted, RING_WINDOWS));
  return most.current;
}

function liveCharts({ byService, spans, severities }: LivePanels): ChartSpec[] {
  const ofService = {
    ring: byService,
    kind: "rate" as const,
    label: (labels: Record<string, string>) => labels["service"] ?? "",
    colour: (labels: Record<string, string>) => serviceColours.of(labels["service"] ?? ""),
    onPick: (labels: Record<string, string>) => {
      const name = labels["service"] ?? "";
      service.value = service.value === name ? "" : name;
    },
  };
  const percentile = (measure: string, colour: ColourName) => ({
    ring: spans,
    measure,
    kind: "percentile" as const,
    label: () => measure,
    colour: () => colour,
  });
  return [
    {
      title: "Spans by service",
      unit: "per_second",
      sources: [{ ...ofService, measure: "rate" }],
      empty: "No spans in this range.",
    },
    {
      title: "Errors by service",
      unit: "per_second",
      sources: [{ ...ofService, measure: "error_rate" }],
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
      empty: "No spans in this range.",
    },
    {
      title: "Logs by severity",
      unit: "per_second",
      sources: [
        {
          ring: severities,
          measure: "rate",
          kind: "rate",
          label: (labels) => labels["kind"] ?? "",
          colour: (labels) => severityColour(labels["kind"] ?? ""),
        },
      ],
      empty: "No logs in this range.",
    },
  ];
}

function hostCharts({ cpu, memory, network, disk }: LivePanels): ChartSpec[] {
  const utilisation = (ring: PanelRing, name: string, colour: ColourName) => ({
    ring,
    measure: "mean",
    kind: "gauge" as const,
    label: () => name,
    colour: () => colour,
  });
  const io = (ring: PanelRing, name: string, key: string, colours: Record<string, ColourName>) => ({
    ring,
    measure: "rate",
    kind: "growth" as const,
    label: (labels: Record<string, string>) => `${name} ${directionOf(labels, key)}`,
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
      title: "Host network and disk",
      unit: "bytes_per_second",
      sources: [
        io(network, "net", "network.io.direction", {
          receive: "--series-0",
          transmit: "--series-1",
        }),
        io(disk, "disk", "disk.io.direction", { read: "--series-2", write: "--series-4" }),
      ],
      empty: "No network or disk metrics yet.",
    },
  ];
}

/** A panel's label is the attribute's key, with or without the selection's `attribute:`. */
function directionOf(labels: Record<string, string>, key: string): string {
  return labels[key] ?? labels[`attribute:${key}`] ?? "";
}
