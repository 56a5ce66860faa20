/** One metric as a chart, aggregated and grouped as the person likes. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useMemo } from "preact/hooks";
import type { HeatSpec } from "../chart/heatchart";
import type { ChartSpec, Labels } from "../chart/spec";
import type { Panel } from "../history/panel";
import type { MetricInfo } from "../live/protocol";
import { groupColour, serviceColours } from "../palette";
import type { ColourName } from "../palette";
import { Chart } from "../parts/chart";
import { usePanel } from "../parts/context";
import { Heatmap } from "../parts/heatmap";
import { metric, service } from "../state/app";
import {
  METRIC_KIND,
  aggregationsOf,
  chosenOf,
  hasBuckets,
  plainUnitOf,
  unitOf,
} from "./metric-choices";
import type { Aggregation } from "./metric-choices";
import { NO_DETAILS, fetchDetails } from "./metric-details";
import type { MetricDetails } from "./metric-details";

const ATTRIBUTE = "attribute:";
const MOST_GROUPS = 20;
/** A live metric is exported every second. */
const EXPORT_WINDOWS = 10;

export function MetricView({ info }: { info: MetricInfo }) {
  const details = useDetails(info.name);
  const { groupBy, aggregation: wanted } = metric.value;
  const aggregations = aggregationsOf(info.type, details.monotonic, groupBy !== "");
  const aggregation = chosenOf(aggregations, wanted);
  const panel = usePanel({
    signal: "metrics",
    name: info.name,
    measures: aggregation.measures,
    limit: MOST_GROUPS,
    ...(service.value === "" ? {} : { service: service.value }),
    ...(groupBy === "" ? {} : { group_by: groupBy }),
  });
  const spec = useMemo(
    () => chartOf(panel, info, aggregation, groupBy),
    [panel, info.name, info.unit, aggregation, groupBy],
  );
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
      <Chart key={`${aggregation.id} ${groupBy}`} spec={spec} />
      {hasBuckets(info.type) && <Distribution info={info} />}
    </div>
  );
}

function Distribution({ info }: { info: MetricInfo }) {
  const panel = usePanel({
    signal: "metrics",
    name: info.name,
    measures: ["heatmap"],
    ...(service.value === "" ? {} : { service: service.value }),
  });
  const spec = useMemo(
    (): HeatSpec => ({
      title: `${info.name}, distribution`,
      counted: "values in a cell",
      unit: plainUnitOf(info.unit),
      panel,
      leastWindows: EXPORT_WINDOWS,
      empty: "No points of this metric in this range.",
    }),
    [panel, info.name, info.unit],
  );
  return <Heatmap spec={spec} />;
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

const MEASURE_COLOURS: Record<string, ColourName> = {
  p50: "--series-0",
  p95: "--series-1",
  p99: "--series-3",
};

function chartOf(
  panel: Panel,
  info: MetricInfo,
  aggregation: Aggregation,
  groupBy: string,
): ChartSpec {
  const nameOf = (labels: Labels): string => Object.values(labels)[0] || "(none)";
  const single = aggregation.measures.length === 1;
  return {
    title: `${info.name}, ${aggregation.text}`,
    unit: unitOf(info.unit, info.type, aggregation),
    tall: true,
    sources: aggregation.measures.map((measure) => ({
      panel,
      measure,
      kind: METRIC_KIND,
      label: (labels) => (groupBy === "" ? (single ? aggregation.text : measure) : nameOf(labels)),
      colour: (labels) => {
        if (groupBy === "service") return serviceColours.of(nameOf(labels));
        if (groupBy !== "") return groupColour(nameOf(labels));
        return MEASURE_COLOURS[measure] ?? "--series-0";
      },
    })),
    empty: "No points of this metric in this range.",
  };
}
