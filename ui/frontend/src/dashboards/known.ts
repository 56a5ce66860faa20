/** Which metrics there are, and what is known of them: asked once, for all panels. */
import { signal } from "@preact/signals";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { MetricInfo } from "../live/protocol";
import { NO_DETAILS, fetchDetails } from "../pages/metric-details";
import type { MetricDetails } from "../pages/metric-details";
import { useFeed } from "../parts/context";
import { Turns } from "./turns";

const DETAILS_AT_ONCE = 2;
const MOST_METRICS = 10_000;

/** Those of the archive; null: not asked yet. */
const archived = signal<MetricInfo[] | null>(null);
let asking: Promise<void> | null = null;
const details = new Map<string, Promise<MetricDetails>>();
const turns = new Turns(DETAILS_AT_ONCE);

/** The metrics that come in now, and behind them those of the past. Null: not known yet. */
export function useKnownMetrics(): MetricInfo[] | null {
  const { services, metrics } = useFeed().connection;
  const past = archived.value;
  useEffect(() => {
    asking ??= askArchive().finally(() => (asking = null));
  }, []);
  return useMemo(() => {
    if (services.value === null && past === null) return null;
    const live = new Set(metrics.value.map(({ name }) => name));
    return [...metrics.value, ...(past ?? []).filter(({ name }) => !live.has(name))];
  }, [services.value === null, metrics.value, past]);
}

/** Null: not known yet. */
export function useMetricDetails(name: string | undefined): MetricDetails | null {
  const found = useSignal<{ name: string; details: MetricDetails } | null>(null);
  useEffect(() => {
    if (name === undefined) return undefined;
    let wanted = true;
    void detailsOf(name).then((known) => {
      if (wanted) found.value = { name, details: known };
    });
    return () => {
      wanted = false;
    };
  }, [name]);
  return found.value?.name === name ? (found.value?.details ?? null) : null;
}

function detailsOf(name: string): Promise<MetricDetails> {
  const known = details.get(name);
  if (known) return known;
  const asked = turns.take(() =>
    fetchDetails(name, new AbortController().signal).catch(() => NO_DETAILS),
  );
  details.set(name, asked);
  // What was not there yet may be there the next time.
  void asked.then((answer) => {
    if (!answer.found) details.delete(name);
  });
  return asked;
}

interface MetricRow {
  name: string;
  unit: string;
  type: string;
  service: string;
}

async function askArchive(): Promise<void> {
  const answer = await fetch(`/api/metrics?limit=${MOST_METRICS}`).catch(() => null);
  if (!answer?.ok) return;
  const { metrics } = (await answer.json()) as { metrics: MetricRow[] };
  const byName = new Map<string, MetricInfo>();
  for (const { name, unit, type, service } of metrics) {
    const info = byName.get(name) ?? { name, unit: unit ?? "", type, services: [] };
    info.services.push(service);
    byName.set(name, info);
  }
  archived.value = [...byName.values()];
}
