/** The report from its title to its last table. */
import { format, formatClock, formatCount, formatParts } from "../units";
import type { Unit } from "../units";
import type { ReportCharts } from "./charts";
import {
  BAD_SHARE,
  MARK_COLUMNS,
  PROBLEM_COLUMNS,
  TRACE_COLUMNS,
  operationColumns,
  serviceColumns,
} from "./columns";
import type { ReportData } from "./document";
import { Chart, Heatmap } from "./figures";
import { SortedTable } from "./table";
import { zoom } from "./view";

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

