/** Metrics: everything in the catalog, and one of them as a chart. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { MetricInfo } from "../live/protocol";
import { useFeed } from "../parts/context";
import { Welcome } from "../parts/welcome";
import { metric, service } from "../state/app";
import { NO_METRIC } from "../state/url";
import { MetricView } from "./metric-view";

export function MetricsPage() {
  const { services, metrics } = useFeed().connection;
  const listed = metrics.value.filter(
    (info) => service.value === "" || info.services.includes(service.value),
  );
  const chosen = metrics.value.find(({ name }) => name === metric.value.name);
  if (services.value !== null && metrics.value.length === 0) return <Welcome />;
  return (
    <div class="metrics">
      <MetricList metrics={listed} />
      {chosen ? (
        <MetricView key={chosen.name} info={chosen} />
      ) : (
        <p class="quiet block">{nothingChosen(services.value !== null)}</p>
      )}
    </div>
  );
}

function nothingChosen(known: boolean): string {
  if (!known) return "Waiting for the catalog.";
  if (metric.value.name === "") return "Choose a metric.";
  return `No metric ${metric.value.name} has come in lately. Choose another.`;
}

function MetricList({ metrics }: { metrics: MetricInfo[] }) {
  const text = useSignal("");
  const wanted = text.value.toLowerCase();
  const found = useMemo(
    () => metrics.filter(({ name }) => name.toLowerCase().includes(wanted)),
    [metrics, wanted],
  );
  const first = found[0]?.name;
  useEffect(() => {
    if (metric.peek().name === "" && first) choose(first);
  }, [first]);
  return (
    <nav class="block metric-list" aria-label="Metrics">
      <input
        type="search"
        placeholder="Find a metric"
        aria-label="Find a metric"
        title="Find a metric (/)"
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && first) choose(first);
          // Gives the keyboard back to the page.
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      <ul>
        {found.map((info) => (
          <li key={`${info.name} ${info.unit} ${info.type}`}>
            <button
              aria-pressed={info.name === metric.value.name}
              title={`${info.type} of ${info.services.join(", ")}`}
              onClick={() => choose(info.name)}
            >
              <span>{info.name}</span>
              <small>
                {info.type.replace("_", " ")}
                {info.unit === "" ? "" : `, ${info.unit}`}, {serviceCount(info)}
              </small>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="quiet">No metric has this in its name.</p>}
    </nav>
  );
}

function serviceCount({ services }: MetricInfo): string {
  return services.length === 1 ? (services[0] ?? "") : `${services.length} services`;
}

function choose(name: string): void {
  if (name !== metric.peek().name) metric.value = { ...NO_METRIC, name };
}
