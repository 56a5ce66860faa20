/** The script of a report: one HTML file with its data in it. It needs no server. */
import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "../styles/theme.css";
import "../styles/page.css";
import "../styles/chart.css";
import "../styles/status.css";
import "../styles/events.css";
import "./report.css";
import { serviceColours } from "../palette";
import { chartsOf } from "./charts";
import type { ReportData } from "./document";
import { Report } from "./page";
import { pastMarks } from "../state/marks";
import { followView } from "./view";

const text = document.getElementById("data")?.textContent ?? "";
const data = JSON.parse(text) as ReportData;
serviceColours.assign(data.services.rows.map(({ service }) => service));
pastMarks.value = data.marks.rows;
followView(data.from_ms, data.to_ms);
render(
  <Report data={data} charts={chartsOf(data)} />,
  document.getElementById("report") as HTMLElement,
);
