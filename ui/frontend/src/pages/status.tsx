/** Status: each role, and the account book of everything received, refused and kept. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useFeed } from "../parts/context";
import { Icon } from "../parts/icon";
import { Table } from "../parts/table";
import type { Column } from "../parts/table";
import { NO_VALUE, format, formatCount, formatDateTime } from "../units";
import { fetchStatus, liveSetting } from "./status-data";
import type {
  Counts,
  Exporter,
  HttpCheck,
  LatencySummary,
  Readiness,
  SignalAccount,
  Stats,
  TableStats,
} from "./status-data";

const POLL_MS = 1_000;

export function StatusPage() {
  const answer = useSignal<{ stats: Stats; readiness: Readiness } | null>(null);
  const error = useSignal("");
  usePolling(async () => {
    try {
      answer.value = await fetchStatus();
      error.value = "";
    } catch (reason) {
      error.value = `No account of the last seconds: ${(reason as Error).message}`;
    }
  });
  return (
    <div class="status">
      {error.value !== "" && (
        <p class="bad note" role="alert">
          <Icon name="warn" /> {error.value}
        </p>
      )}
      {answer.value && <Account {...answer.value} />}
    </div>
  );
}

/** Calls `poll` at once, then again and again, one at a time, while somebody looks. */
function usePolling(poll: () => Promise<void>): void {
  const { paused } = useFeed();
  useEffect(() => {
    let timer = 0;
    let stopped = false;
    const again = (): void => {
      if (!stopped) timer = window.setTimeout(() => void run(), POLL_MS);
    };
    const run = async (): Promise<void> => {
      if (!document.hidden && !paused.peek()) await poll();
      again();
    };
    void poll().then(again);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, []);
}

function Account({ stats, readiness }: { stats: Stats; readiness: Readiness }) {
  return (
    <>
      <Roles readiness={readiness} problems={stats.problems} />
      <Checks checks={stats.checks} />
      <Table
        title="Account book, since start"
        columns={SIGNAL_COLUMNS}
        rows={Object.entries(stats.signals)}
        keyOf={([name]) => name}
        empty="The collector does not answer."
      />
      <Table
        title="Exporters"
        columns={EXPORTER_COLUMNS}
        rows={[...stats.exporters].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))}
        keyOf={nameOf}
        empty="None has sent anything yet."
      />
      <div class="side-by-side">
        <Table
          title="Latency"
          columns={LATENCY_COLUMNS}
          rows={Object.entries(stats.latency)}
          keyOf={([name]) => name}
          empty="Nothing measured yet."
        />
        <Table
          title="Archive"
          columns={TABLE_COLUMNS}
          rows={Object.entries(stats.archive?.tables ?? {})}
          keyOf={([name]) => name}
          empty="Storage does not answer."
        />
      </div>
      <Facts stats={stats} />
    </>
  );
}

function Roles({ readiness, problems }: { readiness: Readiness; problems: Stats["problems"] }) {
  return (
    <section class="block">
      <h2>Roles</h2>
      <ul class="roles">
        {Object.entries(readiness.roles).map(([name, { ready, reason }]) => (
          <li key={name} class={ready ? "good" : "bad"}>
            <Icon name={ready ? "check" : "warn"} /> {name} {ready ? "ready" : `not ready: ${reason}`}
          </li>
        ))}
      </ul>
      {problems.map(({ role, text }) => (
        <p key={role + text} class="bad note">
          <Icon name="warn" /> {role}: {text}
        </p>
      ))}
    </section>
  );
}

function Checks({ checks }: { checks: HttpCheck[] }) {
  return (
    <Table
      title="HTTP checks"
      columns={CHECK_COLUMNS}
      rows={checks}
      keyOf={({ url }) => url}
      empty="None: tenth serve --checks https://shop.example/health watches other services."
    />
  );
}

function Facts({ stats: { journal, ring, archive, live } }: { stats: Stats }) {
  const facts: [string, string][] = [
    ["Journal on disk", format("bytes", journal.bytes)],
    ["Journal segments", formatCount(journal.segments)],
    ["Journal not yet archived", format("bytes", journal.lag_bytes)],
    ["Oldest of it", format("ms", journal.lag_ms)],
    ["Being received", format("bytes", journal.inflight_bytes)],
    ["Journal faults", reasons(journal.faults)],
    ["Archive on disk", format("bytes", archive?.bytes)],
    ["Queries running", formatCount(archive?.running_queries)],
    ["Queries waiting", formatCount(archive?.queries.users.waiting)],
    ["Queries refused", reasons(archive?.queries.users.refused ?? {})],
    ["Restarts that a query cost", formatCount(archive?.restarts.count)],
    ["Live series", formatCount(ring.series)],
    ["Live ring in memory", format("bytes", ring.bytes)],
    ["Items beyond the series limit", formatCount(ring.overflow_items)],
    ["Live clients", formatCount(live.clients)],
    ["Frames sent", formatCount(live.frames)],
    ["Ticks merged into other frames", formatCount(live.coalesced)],
    ["Refused by the page's server", reasons(live.refused)],
  ];
  return (
    <section class="block">
      <h2>Journal, ring, live</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function nameOf({ service, signal, transport, sdk_language }: Exporter): string {
  return [service, signal, transport, sdk_language].join(" ");
}

type Named<T> = [name: string, value: T];

const SIGNAL_COLUMNS: Column<Named<SignalAccount>>[] = [
  { title: "Signal", cell: ([name]) => name.replace("_", " ") },
  { title: "Requests", numeric: true, cell: ([, row]) => formatCount(row.requests) },
  { title: "Refused", numeric: true, cell: ([, row]) => reasons(row.refused_requests) },
  { title: "Received", numeric: true, cell: ([, row]) => formatCount(row.received) },
  { title: "Accepted", numeric: true, cell: ([, row]) => formatCount(row.accepted) },
  { title: "Rejected", numeric: true, cell: ([, row]) => reasons(row.rejected) },
  { title: "Late", numeric: true, cell: ([, row]) => formatCount(row.late) },
  { title: "Ahead", numeric: true, cell: ([, row]) => formatCount(row.ahead) },
  { title: "Archived", numeric: true, cell: ([, row]) => formatCount(row.archived) },
];

const CHECK_COLUMNS: Column<HttpCheck>[] = [
  { title: "Address", cell: ({ url }) => url },
  { title: "State", cell: ({ up }) => <UpOrDown up={up} /> },
  { title: "Since", numeric: true, cell: ({ since_ms }) => formatDateTime(since_ms) },
  { title: "Latency", numeric: true, cell: ({ duration_ms }) => format("ms", duration_ms) },
  { title: "Answer", numeric: true, cell: ({ status }) => status ?? NO_VALUE },
  { title: "Asked", numeric: true, cell: ({ checked_ms }) => formatDateTime(checked_ms) },
  { title: "What is wrong", cell: ({ error }) => <span class="bad">{error}</span> },
];

function UpOrDown({ up }: Pick<HttpCheck, "up">) {
  if (up === null) return <span class="quiet">not asked yet</span>;
  return (
    <span class={up ? "good" : "bad"}>
      <Icon name={up ? "check" : "warn"} /> {up ? "up" : "down"}
    </span>
  );
}

const EXPORTER_COLUMNS: Column<Exporter>[] = [
  { title: "Service", cell: (row) => row.service },
  { title: "Signal", cell: (row) => row.signal.replace("_", " ") },
  { title: "SDK", cell: (row) => `${row.sdk_language} ${row.sdk_version}` },
  { title: "Over", cell: (row) => row.transport },
  { title: "Last batch", numeric: true, cell: (row) => formatDateTime(row.last_batch_time_ms) },
  { title: "Items", numeric: true, cell: (row) => formatCount(row.last_batch_items) },
  {
    title: "Interval",
    numeric: true,
    cell: (row) => format("ms", row.interval_s > 0 ? row.interval_s * 1e3 : null),
  },
  { title: "Newest event", numeric: true, cell: (row) => `${format("ms", row.clock_offset_ms)} old` },
  { title: "Accepted", numeric: true, cell: (row) => formatCount(row.accepted) },
  { title: "Rejected", numeric: true, cell: (row) => formatCount(row.rejected) },
  { title: "To see it live", cell: (row) => <code>{liveSetting(row)}</code> },
];

const LATENCY_COLUMNS: Column<Named<LatencySummary>>[] = [
  { title: "From, to", cell: ([name]) => name.replaceAll("_", " ") },
  { title: "p50", numeric: true, cell: ([, row]) => format("ms", row.count ? row.p50_ms : null) },
  { title: "p99", numeric: true, cell: ([, row]) => format("ms", row.count ? row.p99_ms : null) },
  { title: "Most", numeric: true, cell: ([, row]) => format("ms", row.count ? row.max_ms : null) },
  { title: "Count", numeric: true, cell: ([, row]) => formatCount(row.count) },
];

const TABLE_COLUMNS: Column<Named<TableStats>>[] = [
  { title: "Table", cell: ([name]) => name },
  { title: "Rows", numeric: true, cell: ([, row]) => formatCount(row.rows) },
  { title: "From", numeric: true, cell: ([, row]) => formatDateTime(row.oldest_time_ms) },
  { title: "To", numeric: true, cell: ([, row]) => formatDateTime(row.newest_time_ms) },
];

/** Counts by reason, the most frequent first. */
function reasons(counts: Counts): string {
  const texts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${formatCount(count)} ${reason.replaceAll("_", " ")}`);
  return texts.length === 0 ? "0" : texts.join(", ");
}
