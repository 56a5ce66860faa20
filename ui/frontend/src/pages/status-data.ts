/** The account book, `GET /api/stats`, and who is ready, `GET /readyz`. */

export type Counts = Record<string, number>;

export interface SignalAccount {
  received: number;
  accepted: number;
  rejected: Counts;
  late: number;
  ahead: number;
  archived: number;
  requests: number;
  refused_requests: Counts;
}

export interface LatencySummary {
  count: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
}

export interface Exporter {
  service: string;
  sdk_language: string;
  sdk_version: string;
  signal: string;
  transport: string;
  last_batch_time_ms: number;
  last_batch_items: number;
  /** 0 while only one batch has come. */
  interval_s: number;
  clock_offset_ms: number;
  accepted: number;
  rejected: number;
}

export interface TableStats {
  rows: number;
  oldest_time_ms: number;
  newest_time_ms: number;
}

/** An address that is asked over HTTP; `up` is null before the first answer. */
export interface HttpCheck {
  url: string;
  up: boolean | null;
  status: number | null;
  duration_ms: number | null;
  checked_ms: number;
  since_ms: number;
  error: string;
}

export interface QueryPlaces {
  running: number;
  waiting: number;
  refused: Counts;
}

/** What a role that is down would have said is missing. */
export interface Stats {
  version: string;
  signals: Record<string, SignalAccount>;
  journal: {
    bytes?: number;
    segments?: number;
    inflight_bytes?: number;
    lag_bytes?: number;
    lag_ms?: number;
    faults: Counts;
  };
  ring: { series?: number; rows?: number; bytes?: number; overflow_items?: number };
  archive: {
    bytes: number;
    running_queries: number;
    queries: { users: QueryPlaces; page: QueryPlaces };
    restarts: { count: number };
    tables: Record<string, TableStats>;
  } | null;
  live: { clients: number; frames: number; bytes: number; coalesced: number; refused: Counts };
  latency: Record<string, LatencySummary>;
  exporters: Exporter[];
  checks: HttpCheck[];
  problems: { role: string; text: string }[];
}

export interface Readiness {
  roles: Record<string, { ready: boolean; reason?: string }>;
}

/** Both answers as of now. Throws an Error that says what to do when there is none. */
export async function fetchStatus(): Promise<{ stats: Stats; readiness: Readiness }> {
  const [stats, readiness] = await Promise.all([fetch("/api/stats"), fetch("/readyz")]);
  if (stats.status === 401) throw new Error("You are not signed in. Reload the page.");
  if (!stats.ok) throw new Error(`/api/stats answered ${stats.status}. Look at Tenth's log.`);
  return { stats: (await stats.json()) as Stats, readiness: (await readiness.json()) as Readiness };
}

/** An exporter whose batches are further apart than this does not look live. */
const SLOW_INTERVAL_S = 3;
const LIVE_SETTINGS: Record<string, string> = {
  spans: "OTEL_BSP_SCHEDULE_DELAY=200",
  logs: "OTEL_BLRP_SCHEDULE_DELAY=200",
  metric_points: "OTEL_METRIC_EXPORT_INTERVAL=1000",
};

/** The setting that makes a slow exporter live; empty when it is quick, or unknown. */
export function liveSetting(exporter: Exporter): string {
  // Batches of one item are rare because the items are.
  const slow = exporter.interval_s > SLOW_INTERVAL_S && exporter.last_batch_items > 1;
  return slow ? (LIVE_SETTINGS[exporter.signal] ?? "") : "";
}
