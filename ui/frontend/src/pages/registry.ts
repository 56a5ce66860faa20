/** The pages, in the order of the navigation. A new page is one file and one line here. */
import type { ComponentType } from "preact";
import { DashboardsPage } from "./dashboards";
import { LivePage } from "./live";
import { MetricsPage } from "./metrics";
import { ServicesPage } from "./services";
import { SnapshotsPage } from "./snapshots";
import { StatusPage } from "./status";

export interface Page {
  /** In the address: `?page=ID`. */
  id: string;
  title: string;
  /** `g` and this key go there. */
  key: string;
  /** What `/` finds with the page's own search field; absent: it goes to the choice of services. */
  finds?: string;
  component: ComponentType;
}

/** The one that an id of the address stands for. */
export function pageOf(id: string): Page | undefined {
  return PAGES.find((one) => one.id === id) ?? PAGES[0];
}

export const PAGES: Page[] = [
  { id: "live", title: "Live", key: "l", component: LivePage },
  { id: "services", title: "Services", key: "v", component: ServicesPage },
  { id: "metrics", title: "Metrics", key: "m", finds: "a metric", component: MetricsPage },
  { id: "dashboards", title: "Dashboards", key: "d", component: DashboardsPage },
  { id: "snapshots", title: "Snapshots", key: "n", component: SnapshotsPage },
  { id: "status", title: "Status", key: "s", component: StatusPage },
];
