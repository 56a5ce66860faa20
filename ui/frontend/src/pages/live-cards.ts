/** The six numbers at the top of Live. */
import { NUMBERS_SPAN, numberAsOf } from "../chart/numbers";
import { LineReader } from "../chart/sample";
import type { Line } from "../chart/sample";
import type { Panel } from "../history/panel";
import type { CardSpec } from "../parts/card";
import type { LivePanels } from "./live";

export function liveCards({ spans, recent, logs, recentLogs, cpu, memory }: LivePanels): CardSpec[] {
  return [
    {
      label: "Spans",
      meaning: `Spans ended per second, ${NUMBERS_SPAN}`,
      unit: "per_second",
      colour: "--series-0",
      line: only(spans, "rate", "rate"),
      average: true,
      ...number(recent, "rate"),
    },
    {
      label: "Errors",
      meaning: `Share of spans with status error, ${NUMBERS_SPAN}`,
      unit: "ratio",
      colour: "--bad",
      line: only(spans, "error_ratio", "percentile"),
      average: false,
      ...number(recent, "error_ratio"),
      badFrom: 0.05,
    },
    {
      label: "p95",
      meaning: `95th percentile of span durations, ${NUMBERS_SPAN}`,
      unit: "ms",
      colour: "--series-1",
      line: only(spans, "p95", "percentile"),
      average: false,
      ...number(recent, "p95"),
    },
    {
      label: "Logs",
      meaning: `Log records per second, ${NUMBERS_SPAN}`,
      unit: "per_second",
      colour: "--series-2",
      line: only(logs, "rate", "rate"),
      average: true,
      ...number(recentLogs, "rate"),
    },
    gauge("CPU", "Processor time in use on Tenth's host, now", only(cpu, "mean", "gauge")),
    gauge("Memory", "Memory in use on Tenth's host, now", only(memory, "mean", "gauge")),
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
    value: (endWindow) => new LineReader(line, endWindow).summary(endWindow),
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

/** Of a panel without groups whose windows slide. */
function number(panel: Panel, measure: string): Pick<CardSpec, "value" | "numbers"> {
  return {
    value: (endWindow) => numberAsOf(panel.ring, measure, 0, endWindow),
    numbers: panel,
  };
}
