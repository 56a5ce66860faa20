/** The report from its title to its last table. */
import type { Mark } from "../live/protocol";
import { serviceColours } from "../palette";
import { subjectOf } from "../state/marks";
import { format, formatClock, formatCount, formatParts } from "../units";
import type { Unit } from "../units";

import type { ReportCharts } from "./charts";
import type { OperationRow, ProblemRow, ReportData, ServiceRow, TraceRow } from "./document";
import { Chart, Heatmap } from "./figures";
import { SortedTable } from "./table";
import type { Column } from "./table";
import { zoom } from "./view";

/** A share of errors from which on it is marked. */
const BAD_SHARE = 0.05;

export function Report({ data, charts }: { data: ReportData; charts: ReportCharts }) {
  const seconds = (data.to_ms - data.from_ms) / 1000;
  return (
    <>
      <Head data={data} />
      <main>
        <Cards data={data} seconds={seconds} />
        <h2 id="overview">Over all</h2>
        <div class="charts">
          {charts.spans.map((spec) => (
            <Chart key={spec.title} spec={spec} />
          ))}
          <Heatmap spec={charts.durations} />
          <Chart spec={charts.logs} />
          {charts.host.map((spec) => (
            <Chart key={spec.title} spec={spec} />
          ))}
        </div>
        <section aria-labelledby="services">
          <h2 id="services">Services</h2>
          <SortedTable
            title="Services"
            listed={data.services}
            columns={serviceColumns(seconds)}
            empty="No services in this range."
          />
        </section>
        {charts.latency.length > 0 && (
          <>
            <h2>Latency of the busiest services</h2>
            <div class="charts">
              {charts.latency.map((spec) => (
                <Chart key={spec.title} spec={spec} />
              ))}
            </div>
          </>
        )}
        <section aria-labelledby="operations">
          <h2 id="operations">Operations</h2>
          <SortedTable
            title="Operations"
            listed={data.operations}
            columns={operationColumns(seconds)}
            empty="No spans in this range."
          />
        </section>
        {data.marks.total > 0 && (
          <section aria-labelledby="marks">
            <h2 id="marks">Marks</h2>
            <SortedTable title="Marks" listed={data.marks} columns={MARK_COLUMNS} empty="" />
          </section>
        )}
        <section aria-labelledby="traces">
          <h2 id="traces">Slowest traces</h2>
          <SortedTable
            title="Slowest traces"
            listed={data.traces}
            columns={TRACE_COLUMNS}
            empty="No traces in this range."
          />
        </section>
        <section aria-labelledby="problems">
          <h2 id="problems">Latest errors</h2>
          <SortedTable
            title="Latest errors"
            listed={data.problems}
            columns={PROBLEM_COLUMNS}
            empty="No failed spans, and no logs of errors, in this range."
          />
        </section>
        {charts.metrics.length > 0 && (
          <>
            <h2>Metrics</h2>
            {data.metrics.total > data.metrics.rows.length && (
              <p class="quiet">
                The {data.metrics.rows.length} with the most points, of{" "}
                {formatCount(data.metrics.total)}.
              </p>
            )}
            <div class="charts">
              {charts.metrics.map((spec) => (
                <Chart key={spec.title} spec={spec} />
              ))}
            </div>
          </>
        )}
      </main>
      <Foot data={data} />
    </>
  );
}

function Head({ data }: { data: ReportData }) {
  return (
    <header>
      <h1>{data.name}</h1>
      <p>
        <time dateTime={new Date(data.from_ms).toISOString()}>{dateTime(data.from_ms)}</time>
        {" \u2013 "}
        <time dateTime={new Date(data.to_ms).toISOString()}>{endOf(data)}</time>{" "}
        <span class="quiet">
          {format("seconds", (data.to_ms - data.from_ms) / 1000)}, {zoneOf(data.from_ms)}
        </span>
      </p>
      <span class="spring" />
      {zoom.value ? (
        <button type="button" onClick={() => (zoom.value = null)}>
          Show all of it
        </button>
      ) : (
        <span class="quiet hint">Drag over a chart to zoom</span>
      )}
    </header>
  );
}

function Cards({ data, seconds }: { data: ReportData; seconds: number }) {
  const { spans, errors, logs } = data.totals;
  const cards: [string, Unit, number | null, boolean][] = [
    ["Spans", "per_second", spans / seconds, false],
    ["Errors", "ratio", spans > 0 ? errors / spans : null, errors / spans >= BAD_SHARE],
    ["Logs", "per_second", logs / seconds, false],
    ["Services", "count", data.services.total, false],
    ["Operations", "count", data.operations.total, false],
    ["Metrics", "count", data.metrics.total, false],
  ];
  return (
    <div class="cards">
      {cards.map(([label, unit, value, bad]) => {
        const [number, suffix] = formatParts(unit, value);
        return (
          <article class="card" key={label}>
            <h2>{label}</h2>
            <p>
              <b class={bad ? "bad" : ""}>{number}</b> <span>{suffix}</span>
            </p>
          </article>
        );
      })}
    </div>
  );
}

function Foot({ data }: { data: ReportData }) {
  const { spans, logs, metric_points: points } = data.totals;
  const versions = Object.entries(data.versions).map(([name, version]) => `${name} ${version}`);
  return (
    <footer class="quiet">
      <p>
        From {formatCount(spans)} spans, {formatCount(logs)} log records and {formatCount(points)}{" "}
        metric points. Snapshot made {dateTime(data.snapshot_ms)} with {versions.join(", ")}, this
        report {dateTime(data.made_ms)}.
      </p>
      <p>
        This file holds all it shows and loads nothing. Rates are per second of the whole range;
        percentiles of the tables are of all spans, those of charts are within 1.1 %.
      </p>
    </footer>
  );
}

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

function serviceColumns(seconds: number): Column<ServiceRow>[] {
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

function operationColumns(seconds: number): Column<OperationRow>[] {
  return [
    { title: "operation", value: (row) => row.name },
    { title: "service", value: (row) => row.service, cell: (row) => <Service of={row.service} /> },
    { title: "kind", value: (row) => row.kind },
    ...spanColumns(seconds),
  ];
}

const TRACE_COLUMNS: Column<TraceRow>[] = [
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

const MARK_COLUMNS: Column<Mark>[] = [
  { title: "time", value: (row) => row.time_ms, cell: (row) => formatClock(row.time_ms) },
  { title: "what happened", value: (row) => row.text },
  { title: "about", value: (row) => subjectOf(row.service_name) },
];

const PROBLEM_COLUMNS: Column<ProblemRow>[] = [
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

function dateTime(unixMs: number): string {
  const time = new Date(unixMs);
  const date = [time.getFullYear(), time.getMonth() + 1, time.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
  return `${date} ${formatClock(unixMs)}`;
}

/** Without the date where it is that of the beginning. */
function endOf({ from_ms: fromMs, to_ms: toMs }: ReportData): string {
  const sameDay = new Date(fromMs).toDateString() === new Date(toMs).toDateString();
  return sameDay ? formatClock(toMs) : dateTime(toMs);
}

/** The zone of all times shown, as of then. */
function zoneOf(unixMs: number): string {
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "longOffset" }).formatToParts(unixMs);
  return parts.find(({ type }) => type === "timeZoneName")?.value.replace("GMT", "UTC") ?? "";
}

