/** The six numbers at the top of Live. */
import { LineReader } from "../chart/sample";
import type { Line } from "../chart/sample";
import type { Panel } from "../history/panel";
import type { CardSpec } from "../parts/card";
import type { LivePanels } from "./live";

export function liveCards({ spans, logs, cpu, memory }: LivePanels): CardSpec[] {
  const rate = only(spans, "rate", "rate");
  const errors = only(spans, "error_rate", "rate");
  return [
    {
      label: "Spans",
      meaning: "Spans ended per second, mean of the last second known",
      unit: "per_second",
      colour: "--series-0",
      line: rate,
      average: true,
    },
    {
      label: "Errors",
      meaning: "Share of spans with status error, over the last second known",
      unit: "ratio",
      colour: "--bad",
      line: only(spans, "error_ratio", "percentile"),
      average: false,
      value: (endWindow) => summary(errors, endWindow) / summary(rate, endWindow),
      badFrom: 0.05,
    },
    {
      label: "p95",
      meaning: "95th percentile of span durations in the newest window of 100 ms",
      unit: "ms",
      colour: "--series-1",
      line: only(spans, "p95", "percentile"),
      average: false,
    },
    {
      label: "Logs",
      meaning: "Log records per second, mean of the last second known",
      unit: "per_second",
      colour: "--series-2",
      line: only(logs, "rate", "rate"),
      average: true,
    },
    gauge("CPU", "Processor time in use on Tenth's host", only(cpu, "mean", "gauge")),
    gauge("Memory", "Memory in use on Tenth's host", only(memory, "mean", "gauge")),
  ];
}

function gauge(label: string, meaning: string, line: Line): CardSpec {
  return {
    label,
    meaning,
    unit: "ratio",
    colour: "--series-6",
    line,
    average: false,
    top: 1,
    badFrom: 0.95,
  };
}

/** The only series of a panel without groups. */
function only(panel: Panel, measure: string, kind: Line["kind"]): Line {
  return {
    get ring() {
      return panel.ring;
    },
    measure,
    series: 0,
    kind,
  };
}

function summary(line: Line, endWindow: number): number {
  return new LineReader(line, endWindow).summary(endWindow);
}
