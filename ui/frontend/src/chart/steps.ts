/** The windows of a rate as a faint area of steps, behind the line of its mean. */
import type uPlot from "uplot";
import type { Point } from "./sample";

/** All areas together are about so strong, however many there are. */
const STRENGTH = 0.3;
const LEAST_ALPHA = 0.07;
const FOCUSED_ALPHA = 0.4;

/** `lines`: among how many; `focused`: the one that is pointed at. Times in Unix ms. */
export function drawSteps(
  plot: uPlot,
  times: number[],
  points: Point[],
  colour: string,
  lines: number,
  focused: boolean,
): void {
  const { ctx, bbox } = plot;
  const scaleX = bbox.width / ((plot.scales["x"]?.max ?? 1) - (plot.scales["x"]?.min ?? 0));
  const scaleY = bbox.height / (plot.scales["y"]?.max ?? 1);
  const firstMs = plot.scales["x"]?.min ?? 0;
  const floor = bbox.top + bbox.height;
  const width = ((times[1] ?? 0) - (times[0] ?? 0)) * scaleX;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colour;
  ctx.globalAlpha = focused ? FOCUSED_ALPHA : Math.max(LEAST_ALPHA, STRENGTH / Math.sqrt(lines));
  // Whole pixels, one by one: a path of hundreds of rectangles costs a browser without a GPU more
  // than all the rest of a chart.
  points.forEach((point, index) => {
    if (!point) return;
    const x = bbox.left + ((times[index] ?? 0) - firstMs) * scaleX;
    const left = Math.round(x);
    const top = Math.round(floor - point * scaleY);
    ctx.fillRect(left, top, Math.max(1, Math.round(x + width) - left), floor - top);
  });
  ctx.restore();
}
