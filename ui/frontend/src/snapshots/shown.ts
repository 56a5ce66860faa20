/** What makes the page one of a snapshot: its time ends with the snapshot, and nothing arrives. */
import { effect } from "@preact/signals";
import type { LiveFeed } from "../live/feed";
import type { MetricInfo } from "../live/protocol";
import { fixedTime, range } from "../state/app";
import type { ShownSnapshot } from "../state/snapshot";
import { RANGES } from "../state/url";

/** Starts with all of the snapshot; what would be live is its end. */
export function showSnapshot(feed: LiveFeed, { span }: ShownSnapshot): void {
  fixedTime.value ??= span;
  effect(() => {
    const lengthMs = RANGES[range.value];
    fixedTime.value ??= { fromMs: span.toMs - lengthMs, toMs: span.toMs };
  });
  void loadCatalog(feed);
}

/** The services and metrics that a live feed would tell of. */
async function loadCatalog(feed: LiveFeed): Promise<void> {
  const { connection } = feed;
  try {
    const [services, metrics] = await Promise.all([read("/api/services"), read("/api/metrics")]);
    connection.metrics.value = byName(metrics["metrics"] as StoredMetric[]);
    connection.services.value = (services["services"] as { service: string }[])
      .map(({ service }) => service)
      .sort();
    feed.request();
  } catch (error) {
    connection.problem.value = `The snapshot cannot be read: ${(error as Error).message}`;
  }
}

async function read(url: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}. Reload the page.`);
  return (await answer.json()) as Record<string, unknown>;
}

interface StoredMetric {
  name: string;
  unit: string;
  type: string;
  service: string;
}

function byName(stored: StoredMetric[]): MetricInfo[] {
  const found = new Map<string, MetricInfo>();
  for (const { name, unit, type, service } of stored) {
    const known = found.get(name);
    if (known) known.services.push(service);
    else found.set(name, { name, unit, type, services: [service] });
  }
  return [...found.values()];
}
