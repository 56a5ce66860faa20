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
  component: ComponentType;
}

export const PAGES: Page[] = [
  { id: "live", title: "Live", key: "l", component: LivePage },
  { id: "services", title: "Services", key: "v", component: ServicesPage },
  { id: "metrics", title: "Metrics", key: "m", component: MetricsPage },
  { id: "dashboards", title: "Dashboards", key: "d", component: DashboardsPage },
  { id: "snapshots", title: "Snapshots", key: "n", component: SnapshotsPage },
  { id: "status", title: "Status", key: "s", component: StatusPage },
];
