/** One metric as a chart, aggregated and grouped as the person likes. */
import { useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import type { MetricInfo } from "../live/protocol";
import type { MetricPanel } from "../dashboards/model";
import { PinButton } from "../dashboards/pin";
import { HEATMAP } from "../dashboards/resolve";
import { MetricChart, MetricHeatmap } from "../parts/metric-chart";
import { metric, service } from "../state/app";
import { aggregationsOf, chosenOf, hasBuckets } from "./metric-choices";
import { NO_DETAILS, fetchDetails } from "./metric-details";
import type { MetricDetails } from "./metric-details";

const ATTRIBUTE = "attribute:";

export function MetricView({ info }: { info: MetricInfo }) {
  const details = useDetails(info.name);
  const { groupBy, aggregation: wanted } = metric.value;
  const aggregations = aggregationsOf(info.type, details.monotonic, groupBy !== "");
  const aggregation = chosenOf(aggregations, wanted);
  const pinned: MetricPanel = {
    kind: "metric",
    metrics: [info.name],
    ...(groupBy === "" ? {} : { group_by: [groupBy] }),
    ...(service.value === "" ? {} : { service: service.value }),
  };
  return (
    <div class="metric">
      <section class="block">
        <h2>{info.name}</h2>
        <p class="quiet">{describe(info, details)}</p>
        <div class="choices">
          <label>
            Show{" "}
            <select
              value={aggregation.id}
              onChange={(event) => change({ aggregation: event.currentTarget.value })}
            >
              {aggregations.map(({ id, text }) => (
                <option key={id} value={id}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <GroupBy keys={details.attributeKeys} groupBy={groupBy} />
        </div>
      </section>
      <MetricChart
        key={`${aggregation.id} ${groupBy}`}
        info={info}
        aggregation={aggregation}
        groupBy={groupBy}
        service={service.value}
        tall
        tools={<PinButton panel={{ ...pinned, show: aggregation.id }} />}
      />
      {hasBuckets(info.type) && (
        <MetricHeatmap
          info={info}
          service={service.value}
          tools={<PinButton panel={{ ...pinned, group_by: [], show: HEATMAP }} />}
        />
      )}
    </div>
  );
}

/** A key of the attributes, chosen or typed; `service`; or nothing. */
function GroupBy({ keys, groupBy }: { keys: string[]; groupBy: string }) {
  const list = useId();
  const chosen = groupBy.startsWith(ATTRIBUTE) ? groupBy.slice(ATTRIBUTE.length) : groupBy;
  // What is being typed survives that the keys come meanwhile.
  const typed = useSignal(chosen);
  useEffect(() => {
    typed.value = chosen;
  }, [chosen]);
  return (
    <label>
      Group by{" "}
      <input
        type="text"
        list={list}
        placeholder="nothing"
        size={28}
        spellcheck={false}
        value={typed.value}
        onInput={(event) => (typed.value = event.currentTarget.value)}
        onChange={(event) => change({ groupBy: groupByOf(event.currentTarget.value) })}
      />
      <datalist id={list}>
        {["service", ...keys].map((key) => (
          <option key={key} value={key} />
        ))}
      </datalist>
    </label>
  );
}

function groupByOf(typed: string): string {
  const key = typed.trim();
  return key === "" || key === "service" ? key : ATTRIBUTE + key;
}

function change(choice: { aggregation?: string; groupBy?: string }): void {
  metric.value = { ...metric.peek(), ...choice };
}

function useDetails(name: string): MetricDetails {
  const details = useSignal(NO_DETAILS);
  useEffect(() => {
    const stop = new AbortController();
    fetchDetails(name, stop.signal).then(
      (found) => (details.value = found),
      () => (details.value = NO_DETAILS),
    );
    return () => stop.abort();
  }, [name]);
  return details.value;
}

function describe({ type, unit, services }: MetricInfo, details: MetricDetails): string {
  const kind = [
    details.temporality === "unspecified" ? "" : details.temporality,
    type === "sum" && details.monotonic ? "growing" : "",
    type.replace("_", " "),
  ];
  const facts = [kind.filter((word) => word !== "").join(" "), unit && `unit ${unit}`];
  const text = facts.filter((fact) => fact !== "").join(", ");
  const about = details.description === "" ? "" : `${details.description} `;
  return `${about}(${text}; from ${services.join(", ")})`;
}
