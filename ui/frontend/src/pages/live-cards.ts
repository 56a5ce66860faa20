/** The six numbers at the top of Live. */
import { LineReader } from "../chart/sample";
import type { Line } from "../chart/sample";
import type { PanelRing } from "../live/ring";
import type { CardSpec } from "../parts/card";
import type { LivePanels } from "./live";

const SECOND_WINDOWS = 10;

export function liveCards({ spans, logs, cpu, memory }: LivePanels): CardSpec[] {
  const rate = only(spans, "rate", "zero");
  const errors = only(spans, "error_rate", "zero");
  const p95 = only(spans, "p95", "bridge");
  const logRate = only(logs, "rate", "zero");
  return [
    {
      label: "Spans",
      meaning: "Spans ended per second, mean of the last second known",
      unit: "per_second",
      colour: "--series-0",
      line: rate,
      average: true,
      value: (endWindow) => overSecond(rate, endWindow),
    },
    {
      label: "Errors",
      meaning: "Share of spans with status error, over the last second known",
      unit: "ratio",
      colour: "--bad",
      line: only(spans, "error_ratio", "bridge"),
      average: false,
      value: (endWindow) => overSecond(errors, endWindow) / overSecond(rate, endWindow),
      badFrom: 0.05,
    },
    {
      label: "p95",
      meaning: "95th percentile of span durations in the newest window of 100 ms",
      unit: "ms",
      colour: "--series-1",
      line: p95,
      average: false,
      value: (endWindow) => new LineReader(p95, endWindow).latest(endWindow),
    },
    {
      label: "Logs",
      meaning: "Log records per second, mean of the last second known",
      unit: "per_second",
      colour: "--series-2",
      line: logRate,
      average: true,
      value: (endWindow) => overSecond(logRate, endWindow),
    },
    gauge("CPU", "Processor time in use on Tenth's host", only(cpu, "mean", "bridge")),
    gauge("Memory", "Memory in use on Tenth's host", only(memory, "mean", "bridge")),
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
    value: (endWindow) => new LineReader(line, endWindow).latest(endWindow),
    badFrom: 0.95,
  };
}

/** The only series of a panel without groups. */
function only(ring: PanelRing, measure: string, fill: Line["fill"]): Line {
  return { ring, measure, series: 0, fill };
}

function overSecond(line: Line, endWindow: number): number {
  const reader = new LineReader(line, endWindow);
  return reader.meanUntil(reader.known, SECOND_WINDOWS);
}
