/** The busiest, slowest and most failing operations: three short lists of one panel. */
import type { SeriesColumn, SeriesTableSpec } from "../chart/seriestable";
import type { Panel } from "../history/panel";
import type { Selection } from "../live/protocol";
import { openTraces } from "../state/traces";
import type { TraceFilter } from "../state/traces";
import { NUMBERS, RECENT } from "./span-numbers";

const ROWS = 5;
const LIMIT = 60;

export const OPERATIONS: Selection = {
  ...RECENT,
  measures: ["rate", "error_ratio", "p95"],
  group_by: "name",
  limit: LIMIT,
};

export function operationTables(panel: Panel): SeriesTableSpec[] {
  const list = (
    title: string,
    columns: SeriesColumn[],
    empty: string,
    status: TraceFilter = {},
  ): SeriesTableSpec => ({
    title,
    panel,
    heading: "Operation",
    label: (labels) => labels["name"] ?? "",
    columns,
    sortBy: 0,
    sortable: false,
    onTraces: ({ name: operation = "" }, picked, from) =>
      openTraces({ operation, ...status }, picked, from),
    mostRows: ROWS,
    empty,
  });
  const { rate, failing, p95 } = NUMBERS;
  return [
    list("Busiest operations", [rate, failing], "No spans in the last 10 s."),
    list("Slowest operations", [p95, rate], "No spans in the last 10 s."),
    list("Most failing operations", [failing, rate], "No failing spans in the last 10 s.", {
      status: "error",
    }),
  ];
}
