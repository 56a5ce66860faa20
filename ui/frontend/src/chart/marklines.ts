/** Marks on a chart over time: a thin line for each, and what they say where the pointer is. */
import type uPlot from "uplot";
import type { Mark } from "../live/protocol";
import { resolveColour, serviceColours } from "../palette";
import { isAboutEverything, shownMarks } from "../state/marks";
import { formatTime } from "../units";

/** Marks that are closer than this share a flag, which says how many they are. */
const TOGETHER_PX = 12;
/** So near to a line the pointer means it. */
const NEAR_PX = 8;
const FLAG_PX = 6;
const MOST_NAMED = 5;
const DASHES = [4, 3];

/** Marks whose lines stand side by side. */
export interface Cluster {
  /** Of each mark, in CSS pixels from the left of the plot, rising. */
  lefts: number[];
  marks: Mark[];
}

/** Marks that the plot shows, side by side ones together. `marks` rise in time. */
export function clustersOf(marks: Mark[], leftOf: (ms: number) => number, width: number): Cluster[] {
  const clusters: Cluster[] = [];
  for (const mark of marks) {
    const left = leftOf(mark.time_ms);
    if (left < 0 || left > width) continue;
    const last = clusters.at(-1);
    if (last && left - (last.lefts.at(-1) as number) < TOGETHER_PX) {
      last.lefts.push(left);
      last.marks.push(mark);
    } else clusters.push({ lefts: [left], marks: [mark] });
  }
  return clusters;
}

/** Tests read from `data-marks` of the plot how many there are. */
export function markLines(): uPlot.Plugin {
  let clusters: Cluster[] = [];
  let label: HTMLElement;
  let colour = "";
  let drawn = -1;
  return {
    hooks: {
      init: [
        (plot) => {
          colour = resolveColour("--text");
          label = document.createElement("div");
          label.className = "mark-label";
          label.hidden = true;
          plot.over.append(label);
        },
      ],
      draw: [
        (plot) => {
          const marks = shownMarks.peek();
          const width = plot.bbox.width / devicePixelRatio;
          clusters = clustersOf(marks, (ms) => plot.valToPos(ms, "x"), width);
          const count = clusters.reduce((sum, { marks: { length } }) => sum + length, 0);
          if (count !== drawn) plot.root.dataset["marks"] = String(count);
          drawn = count;
          if (count > 0) draw(plot, clusters, colour);
        },
      ],
      setCursor: [(plot) => show(label, plot, pointedAt(plot, clusters))],
    },
  };
}

function draw({ ctx, bbox }: uPlot, clusters: Cluster[], colour: string): void {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = ratio;
  ctx.font = `${10 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "top";
  for (const { lefts } of clusters) {
    const places = lefts.map((left) => Math.round(bbox.left + left * ratio) + 0.5);
    ctx.globalAlpha = 0.55;
    ctx.setLineDash(DASHES.map((dash) => dash * ratio));
    ctx.beginPath();
    for (const place of new Set(places)) {
      ctx.moveTo(place, bbox.top);
      ctx.lineTo(place, bbox.top + bbox.height);
    }
    ctx.stroke();
    // At the last line: to its right there is room.
    flag(ctx, places.at(-1) as number, bbox.top, lefts.length, ratio);
  }
  ctx.restore();
}

function flag(
  ctx: CanvasRenderingContext2D,
  left: number,
  top: number,
  count: number,
  ratio: number,
): void {
  const size = FLAG_PX * ratio;
  ctx.globalAlpha = 0.9;
  ctx.beginPath();
  ctx.moveTo(left, top);
  ctx.lineTo(left + size, top + size / 2);
  ctx.lineTo(left, top + size);
  ctx.fill();
  if (count > 1) ctx.fillText(String(count), left + size + 2 * ratio, top);
}

/** The marks under the pointer; null: none, or it is on another chart. */
function pointedAt(plot: uPlot, clusters: Cluster[]): Cluster | null {
  const { left = -1 } = plot.cursor;
  if (left < 0 || !plot.over.matches(":hover")) return null;
  const isNear = ({ lefts }: Cluster): boolean =>
    left > (lefts[0] as number) - NEAR_PX && left < (lefts.at(-1) as number) + NEAR_PX;
  return clusters.find(isNear) ?? null;
}

function show(label: HTMLElement, plot: uPlot, cluster: Cluster | null): void {
  label.hidden = cluster === null;
  if (!cluster) return;
  const { marks, lefts } = cluster;
  const rows = marks.slice(-MOST_NAMED).map(rowOf);
  const more = marks.length - rows.length;
  if (more > 0) rows.unshift(element("p", "quiet", `${more} earlier`));
  label.replaceChildren(...rows);
  const middle = ((lefts[0] as number) + (lefts.at(-1) as number)) / 2;
  const onLeft = middle > plot.over.clientWidth / 2;
  label.style.left = onLeft ? "" : `${(lefts.at(-1) as number) + NEAR_PX}px`;
  label.style.right = onLeft ? `${plot.over.clientWidth - (lefts[0] as number) + NEAR_PX}px` : "";
}

function rowOf({ time_ms, text, service_name }: Mark): HTMLElement {
  const row = element("p", "", "");
  row.append(element("span", "quiet", formatTime(time_ms)));
  if (!isAboutEverything(service_name)) {
    const subject = element("b", "", service_name);
    subject.style.color = resolveColour(serviceColours.of(service_name));
    row.append(subject);
  }
  row.append(element("span", "", text));
  return row;
}

function element(tag: string, name: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}
