/** What a metric can show: aggregations by its type, and its unit as the page writes it. */
import type { Kind } from "../chart/sample";
import type { Measure, MetricInfo } from "../live/protocol";
import type { Unit } from "../units";

export interface Aggregation {
  id: string;
  text: string;
  measures: Measure[];
}

const one = (id: Measure, text: string): Aggregation => ({ id, text, measures: [id] });

const LAST = one("last", "last value");
const MEAN = one("mean", "mean");
const MIN = one("min", "least");
const MAX = one("max", "greatest");
const SUM = one("sum", "sum");
const RATE = one("rate", "growth per second");
const PERCENTILES: Aggregation = {
  id: "percentiles",
  text: "p50, p95, p99",
  measures: ["p99", "p95", "p50"],
};
const DISTRIBUTION = [one("p50", "p50"), one("p95", "p95"), one("p99", "p99"), MEAN];

/**
 * What fits the type, the most telling first. `monotonic`: the sum only grows; null: not known.
 * `grouped`: three lines for every group would be too many.
 */
export function aggregationsOf(
  type: string,
  monotonic: boolean | null,
  grouped: boolean,
): Aggregation[] {
  switch (type) {
    case "gauge":
      return [LAST, MEAN, MIN, MAX, SUM];
    case "sum":
      return monotonic === false ? [LAST, MEAN, MIN, MAX] : [RATE, LAST];
    default:
      return grouped ? [...DISTRIBUTION, RATE] : [PERCENTILES, ...DISTRIBUTION, RATE];
  }
}

/** Whether a heatmap says something about the type. */
export function hasBuckets(type: string): boolean {
  return type === "histogram" || type === "exponential_histogram";
}

/** An address may name what the type does not have: then it is the first that it has. */
export function chosenOf(aggregations: Aggregation[], id: string): Aggregation {
  return aggregations.find((aggregation) => aggregation.id === id) ?? aggregations[0] ?? LAST;
}

/** Points come when the SDK exports: a line goes on between them. */
export const METRIC_KIND: Kind = "gauge";

const PER_SECOND = "/s";
/** By convention the share of a whole. */
const UTILISATION = ".utilization";

/** A metric's unit as the page writes it, per second when it is the growth that is shown. */
export function unitOf(
  { name, unit, type }: Omit<MetricInfo, "services">,
  aggregation: Aggregation,
): Unit {
  if (aggregation.id === "rate") return rateUnit(unit, type);
  const share = name.endsWith(UTILISATION) && (unit === "1" || unit === "");
  return share ? "ratio" : plainUnitOf(unit);
}

/** A unit of UCUM as OpenTelemetry uses it. */
export function plainUnitOf(ucum: string): Unit {
  switch (ucum) {
    case "By":
      return "bytes";
    case "By/s":
      return "bytes_per_second";
    case "s":
      return "seconds";
    case "ms":
      return "ms";
    case "1/s":
      return "per_second";
    case "1":
    case "":
      return "count";
    case "%":
      return "percent";
    default:
      return `other:${plain(ucum)}`;
  }
}

function rateUnit(ucum: string, type: string): Unit {
  // What grows of a histogram is the number of its values.
  if (type !== "sum" || ucum === "" || ucum === "1") return "per_second";
  if (ucum === "By") return "bytes_per_second";
  return `other:${plain(ucum)}${PER_SECOND}`;
}

/** `{request}` is a note on what is counted, not a unit. */
function plain(ucum: string): string {
  return ucum.replaceAll(/[{}]/g, "");
}
