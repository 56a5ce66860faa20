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
  // Whole pixels, each once: a path of hundreds of rectangles costs a browser without a GPU more
  // than all the rest of a chart. Of windows that share a pixel the highest is seen.
  const tops = new Float32Array(Math.ceil(bbox.width) + 1).fill(floor);
  points.forEach((point, index) => {
    if (!point) return;
    const x = ((times[index] ?? 0) - firstMs) * scaleX;
    const left = Math.max(0, Math.round(x));
    const right = Math.max(left + 1, Math.round(x + width));
    const top = Math.round(floor - point * scaleY);
    for (let pixel = left; pixel < right && pixel < tops.length; pixel += 1) {
      tops[pixel] = Math.min(tops[pixel]!, top);
    }
  });
  for (let left = 0; left < tops.length; ) {
    const top = tops[left]!;
    let right = left + 1;
    while (right < tops.length && tops[right] === top) right += 1;
    if (top < floor) ctx.fillRect(bbox.left + left, top, right - left, floor - top);
    left = right;
  }
  ctx.restore();
}
