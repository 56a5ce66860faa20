/** Services: how each is, and each operation of the one that is chosen. */
import { useMemo } from "preact/hooks";
import type { SeriesTableSpec } from "../chart/seriestable";
import type { Panel } from "../history/panel";
import type { Selection } from "../live/protocol";
import { serviceColours } from "../palette";
import { usePanel } from "../parts/context";
import { SeriesTable } from "../parts/seriestable";
import { service } from "../state/app";
import { NUMBERS } from "./span-numbers";

/** Ten minutes of more would be beyond what the server gives to one panel. */
const MOST_SERVICES = 60;
const MOST_OPERATIONS = 60;

const SPANS: Selection = {
  signal: "spans",
  measures: ["rate", "error_rate", "p50", "p95", "p99"],
};

export function ServicesPage() {
  const chosen = service.value;
  const services = usePanel({ ...SPANS, group_by: "service", limit: MOST_SERVICES });
  const operations = usePanel({
    ...SPANS,
    ...(chosen === "" ? {} : { service: chosen }),
    group_by: "name",
    limit: MOST_OPERATIONS,
  });
  const serviceTable = useMemo(() => servicesSpec(services), [services]);
  const operationTable = useMemo(() => operationsSpec(operations, chosen), [operations, chosen]);
  return (
    <div class="services">
      <SeriesTable spec={serviceTable} />
      <SeriesTable key={chosen} spec={operationTable} />
    </div>
  );
}

function spanTable(panel: Panel): Omit<SeriesTableSpec, "title" | "heading" | "label"> {
  const { rate, failing, p50, p95, p99 } = NUMBERS;
  return {
    panel,
    columns: [rate, failing, p50, p95, p99],
    sortBy: 0,
    sortable: true,
    mostRows: MOST_OPERATIONS,
    sparkline: { title: "rate", measure: "rate", kind: "rate" },
    empty: "No spans yet.",
  };
}

function servicesSpec(panel: Panel): SeriesTableSpec {
  const nameOf = (labels: Record<string, string>): string => labels["service"] ?? "";
  return {
    ...spanTable(panel),
    title: "Services",
    heading: "service",
    label: nameOf,
    colour: (labels) => serviceColours.of(nameOf(labels)),
    chosen: (labels) => nameOf(labels) === service.peek(),
    onPick: (labels) => {
      service.value = service.peek() === nameOf(labels) ? "" : nameOf(labels);
    },
    mostRows: MOST_SERVICES,
  };
}

function operationsSpec(panel: Panel, chosen: string): SeriesTableSpec {
  return {
    ...spanTable(panel),
    title: chosen === "" ? "Operations of all services" : `Operations of ${chosen}`,
    heading: "operation",
    label: (labels) => labels["name"] ?? "",
    ...(chosen === "" ? {} : { colour: () => serviceColours.of(chosen) }),
  };
}
