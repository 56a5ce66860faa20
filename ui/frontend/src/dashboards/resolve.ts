/** What a metric panel shows, of the names and keys that it could. Pure. */
import type { MetricInfo } from "../live/protocol";
import { aggregationsOf, chosenOf, hasBuckets } from "../pages/metric-choices";
import type { Aggregation } from "../pages/metric-choices";
import type { MetricDetails } from "../pages/metric-details";
import type { MetricPanel } from "./model";

export const HEATMAP = "heatmap";
const ATTRIBUTE = "attribute:";

/** The first of the panel's metrics that there is. */
export function metricOf(panel: MetricPanel, known: MetricInfo[]): MetricInfo | null {
  for (const name of panel.metrics) {
    const found = known.find((info) => info.name === name);
    if (found) return found;
  }
  return null;
}

/** By what its points are grouped; empty: not at all. Without details the first key is taken. */
export function groupByOf({ group_by = [] }: MetricPanel, details: MetricDetails): string {
  if (!details.found) return group_by[0] ?? "";
  const has = (key: string): boolean =>
    !key.startsWith(ATTRIBUTE) || details.attributeKeys.includes(key.slice(ATTRIBUTE.length));
  return group_by.find(has) ?? "";
}

/** Beside the title, which names a key that nothing has sent; empty: it has. */
export function groupNoteOf({ group_by = [] }: MetricPanel, groupBy: string): string {
  const wanted = group_by[0] ?? "";
  if (!wanted.startsWith(ATTRIBUTE) || groupBy.startsWith(ATTRIBUTE)) return "";
  const instead = groupBy === "" ? "all together" : `by ${groupBy}`;
  return `${instead}: nothing has sent ${wanted.slice(ATTRIBUTE.length)}`;
}

/** How its values are put together; null: as a heatmap. */
export function aggregationOf(
  { show = "" }: MetricPanel,
  { type }: MetricInfo,
  { monotonic }: MetricDetails,
  grouped: boolean,
): Aggregation | null {
  if (show === HEATMAP && hasBuckets(type)) return null;
  return chosenOf(aggregationsOf(type, monotonic, grouped), show);
}
