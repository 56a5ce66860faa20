/** Dashboards: a list of them, or one. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { listDashboards } from "../dashboards/api";
import type { Listing } from "../dashboards/api";
import { Board } from "../dashboards/board";
import { DashboardList } from "../dashboards/list";
import { dashboard } from "../state/app";

export function DashboardsPage() {
  const id = dashboard.value;
  const listing = useSignal<Listing | null>(null);
  const problem = useSignal("");
  useEffect(() => {
    listDashboards().then(
      (found) => {
        listing.value = found;
        problem.value = "";
      },
      (error: Error) => (problem.value = error.message),
    );
  }, [id]);
  if (id !== "") return <Board key={id} id={id} writable={listing.value?.writable ?? false} />;
  if (problem.value !== "") {
    return (
      <p class="bad block" role="alert">
        {problem.value}
      </p>
    );
  }
  if (!listing.value) return <p class="quiet block">Loading</p>;
  return <DashboardList listing={listing.value} />;
}
