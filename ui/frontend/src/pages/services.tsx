/** Services: how each is, who calls whom, and each operation of the one that is chosen. */
import { useMemo } from "preact/hooks";
import type { SeriesTableSpec } from "../chart/seriestable";
import type { Panel } from "../history/panel";
import type { Selection } from "../live/protocol";
import { ServiceMapSection } from "../map/section";
import { serviceColours } from "../palette";
import { usePanel } from "../parts/context";
import { SeriesTable } from "../parts/seriestable";
import { service } from "../state/app";
import { openTraces } from "../state/traces";
import type { TraceFilter } from "../state/traces";
import { NUMBERS, RECENT } from "./span-numbers";

const MOST_ROWS = 100;

const OF_ALL: Selection = {
  ...RECENT,
  measures: ["rate", "error_ratio", "p50", "p95", "p99"],
  limit: MOST_ROWS,
};
/** The sparklines, in windows of 100 ms. */
const LINES: Selection = { signal: "spans", measures: ["rate"], limit: MOST_ROWS };

interface Panels {
  numbers: Panel;
  lines: Panel;
}

export function ServicesPage() {
  const chosen = service.value;
  const only = chosen === "" ? {} : { service: chosen };
  const services = {
    numbers: usePanel({ ...OF_ALL, group_by: "service" }),
    lines: usePanel({ ...LINES, group_by: "service" }),
  };
  const operations = {
    numbers: usePanel({ ...OF_ALL, ...only, group_by: "name" }),
    lines: usePanel({ ...LINES, ...only, group_by: "name" }),
  };
  const serviceTable = useMemo(() => servicesSpec(services), []);
  const operationTable = useMemo(() => operationsSpec(operations, chosen), [chosen]);
  return (
    <div class="services">
      <SeriesTable spec={serviceTable} />
      <ServiceMapSection />
      <SeriesTable key={chosen} spec={operationTable} />
    </div>
  );
}

function spanTable({ numbers, lines }: Panels): Omit<SeriesTableSpec, "title" | "heading" | "label"> {
  const { rate, failing, p50, p95, p99 } = NUMBERS;
  return {
    panel: numbers,
    columns: [rate, failing, p50, p95, p99],
    sortBy: 0,
    sortable: true,
    onTraces: (labels, picked, from) => openTraces(filterOf(labels), picked, from),
    mostRows: MOST_ROWS,
    sparkline: { title: "rate", panel: lines, measure: "rate", kind: "rate" },
    empty: "No spans yet.",
  };
}

/** Of a service, or of an operation of those that are shown. */
function filterOf({ service: name, name: operation }: Record<string, string>): TraceFilter {
  if (operation !== undefined) return { operation };
  return name === undefined ? {} : { service: name };
}

function servicesSpec(panels: Panels): SeriesTableSpec {
  const nameOf = (labels: Record<string, string>): string => labels["service"] ?? "";
  return {
    ...spanTable(panels),
    title: "Services",
    heading: "Service",
    label: nameOf,
    colour: (labels) => serviceColours.of(nameOf(labels)),
    chosen: (labels) => nameOf(labels) === service.peek(),
    onPick: (labels) => {
      service.value = service.peek() === nameOf(labels) ? "" : nameOf(labels);
    },
  };
}

function operationsSpec(panels: Panels, chosen: string): SeriesTableSpec {
  return {
    ...spanTable(panels),
    title: chosen === "" ? "Operations of all services" : `Operations of ${chosen}`,
    heading: "Operation",
    label: (labels) => labels["name"] ?? "",
    ...(chosen === "" ? {} : { colour: () => serviceColours.of(chosen) }),
  };
}
