/** The columns of the report's tables. */
import type { Mark } from "../live/protocol";
import { serviceColours } from "../palette";
import { subjectOf } from "../state/marks";
import { format, formatClock, formatCount } from "../units";
import type { OperationRow, ProblemRow, ServiceRow, TraceRow } from "./document";
import type { Column } from "./table";

/** A share of errors from which on it is marked. */
export const BAD_SHARE = 0.05;

/** What services and operations are measured by. */
function spanColumns(seconds: number): Column<Omit<ServiceRow, "logs">>[] {
  const ms = (key: "p50_ms" | "p95_ms" | "p99_ms" | "max_ms"): Column<Omit<ServiceRow, "logs">> => ({
    title: key.replace("_ms", ""),
    numeric: true,
    value: (row) => row[key],
    cell: (row) => format("ms", row[key]),
  });
  return [
    {
      title: "rate",
      numeric: true,
      value: (row) => row.spans,
      cell: (row) => format("per_second", row.spans / seconds),
    },
    {
      title: "errors",
      numeric: true,
      value: (row) => (row.spans > 0 ? row.errors / row.spans : null),
      cell: (row) => (
        <span class={row.errors / row.spans >= BAD_SHARE ? "bad" : ""}>
          {format("ratio", row.spans > 0 ? row.errors / row.spans : null)}
        </span>
      ),
    },
    ms("p50_ms"),
    ms("p95_ms"),
    ms("p99_ms"),
    ms("max_ms"),
  ];
}

export function serviceColumns(seconds: number): Column<ServiceRow>[] {
  return [
    { title: "service", value: (row) => row.service, cell: (row) => <Service of={row.service} /> },
    ...spanColumns(seconds),
    {
      title: "logs",
      numeric: true,
      value: (row) => row.logs,
      cell: (row) => formatCount(row.logs),
    },
  ];
}

export function operationColumns(seconds: number): Column<OperationRow>[] {
  return [
    { title: "operation", value: (row) => row.name },
    { title: "service", value: (row) => row.service, cell: (row) => <Service of={row.service} /> },
    { title: "kind", value: (row) => row.kind },
    ...spanColumns(seconds),
  ];
}

export const TRACE_COLUMNS: Column<TraceRow>[] = [
  {
    title: "duration",
    numeric: true,
    value: (row) => row.duration_ms,
    cell: (row) => format("ms", row.duration_ms),
  },
  { title: "operation", value: (row) => row.name },
  { title: "service", value: (row) => row.service, cell: (row) => <Service of={row.service} /> },
  { title: "began", value: (row) => row.start_ms, cell: (row) => formatClock(row.start_ms) },
  { title: "spans", numeric: true, value: (row) => row.spans },
  { title: "errors", numeric: true, value: (row) => row.errors },
  { title: "trace", value: (row) => row.trace_id, cell: (row) => <code>{row.trace_id}</code> },
];

export const MARK_COLUMNS: Column<Mark>[] = [
  { title: "time", value: (row) => row.time_ms, cell: (row) => formatClock(row.time_ms) },
  { title: "what happened", value: (row) => row.text },
  { title: "about", value: (row) => subjectOf(row.service_name) },
];

export const PROBLEM_COLUMNS: Column<ProblemRow>[] = [
  { title: "time", value: (row) => row.time_ms, cell: (row) => formatClock(row.time_ms) },
  { title: "service", value: (row) => row.service, cell: (row) => <Service of={row.service} /> },
  { title: "what", value: (row) => row.what },
  { title: "message", value: (row) => row.text },
  {
    title: "trace",
    value: (row) => row.trace_id,
    cell: (row) => row.trace_id !== null && <code>{row.trace_id}</code>,
  },
];

function Service({ of: name }: { of: string }) {
  return (
    <span class="service">
      <i style={{ background: `var(${serviceColours.of(name)})` }} />
      {name}
    </span>
  );
}
