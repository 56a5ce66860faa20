/** The composition root: it knows everybody, nobody knows it. */
import { effect } from "@preact/signals";
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/theme.css";
import "./styles/page.css";
import "./styles/chart.css";
import "./styles/metrics.css";
import "./styles/status.css";
import "./styles/traces.css";
import "./styles/dashboards.css";
import "./styles/snapshots.css";
import "./styles/events.css";
import "./styles/map.css";
import { followKeys } from "./keys";
import { LiveFeed } from "./live/feed";
import type { PaintStats } from "./live/feed";
import { serviceColours } from "./palette";
import { App } from "./parts/app";
import { FeedProvider } from "./parts/context";
import { fixedTime, followAddress, range, service } from "./state/app";
import { snapshot } from "./state/snapshot";
import { followTheme, themeVersion } from "./state/theme";
import { paused } from "./state/travel";
import { startPlayer } from "./player";
import { showSnapshot } from "./snapshots/shown";
import { followMarks } from "./history/marks";

declare global {
  interface Window {
    __tenth: { stats: PaintStats };
  }
}

const feed = new LiveFeed(snapshot?.span.toMs ?? null);
window.__tenth = { stats: feed.stats };
followTheme();
followAddress();
followKeys(feed);
followMarks(feed);
effect(() => serviceColours.assign(feed.connection.services.value ?? []));
effect(() => feed.setPaused(paused.value));
effect(() => {
  void [range.value, service.value, fixedTime.value, themeVersion.value];
  feed.request();
});
render(
  <FeedProvider value={feed}>
    <App />
  </FeedProvider>,
  document.getElementById("app") as HTMLElement,
);
if (snapshot) showSnapshot(feed, snapshot);
else feed.start();
startPlayer(feed);
