/** A small canvas: every window faint, its moving average of one second strong. */
import { resolveColour } from "../palette";
import type { ColourName } from "../palette";
import { Grid, sampleLine, sampleMean } from "./sample";
import type { Line, Point } from "./sample";
import type { View } from "./view";

const LINE_PX = 1.5;

export interface Shape {
  line: Line;
  /** Whether the strong line is a mean; a percentile must not be averaged. */
  average: boolean;
  /** The value at the upper edge; absent: the greatest one shown. */
  top?: number;
}

export class Sparkline {
  private readonly points: Point[] = [];
  private readonly average: Point[] = [];
  private readonly context: CanvasRenderingContext2D;
  private colour = "";
  private colourVersion = -1;
  private width = 0;
  private height = 0;
  private readonly resizes: ResizeObserver;
  private readonly sights: IntersectionObserver;
  /** Nobody sees what is scrolled away. */
  visible = true;

  /** `onResize`: the canvas was emptied or comes into sight, paint it again. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private colourName: ColourName,
    onResize: () => void,
  ) {
    this.context = canvas.getContext("2d") as CanvasRenderingContext2D;
    this.resizes = new ResizeObserver(() => {
      this.resize();
      onResize();
    });
    this.resizes.observe(canvas);
    this.sights = new IntersectionObserver((entries) => {
      const before = this.visible;
      this.visible = entries.at(-1)?.isIntersecting ?? true;
      if (this.visible && !before) onResize();
    });
    this.sights.observe(canvas);
    this.resize();
  }

  clear(): void {
    this.context.clearRect(0, 0, this.width, this.height);
  }

  paint(shape: Shape, view: View, endWindow: number, theme: number): void {
    const { width } = this;
    const { line } = shape;
    this.clear();
    if (width === 0) return;
    if (theme !== this.colourVersion) this.colour = resolveColour(this.colourName);
    this.colourVersion = theme;
    const grid = new Grid(view.from, view.to, width, line.ring.unit);
    sampleLine(line, grid, endWindow, this.points);
    const top = shape.top ?? greatest(this.points);
    if (!shape.average) {
      this.stroke(this.points, top, 1);
      return;
    }
    this.stroke(this.points, top, 0.3);
    sampleMean(line, grid, endWindow, this.average);
    this.stroke(this.average, top, 1);
  }

  recolour(name: ColourName): void {
    this.colourName = name;
    this.colourVersion = -1;
  }

  destroy(): void {
    this.resizes.disconnect();
    this.sights.disconnect();
  }

  private stroke(points: Point[], top: number, alpha: number): void {
    const { context, width, height } = this;
    const scaleX = width / Math.max(1, points.length - 1);
    const scaleY = (height - 2 * LINE_PX) / top;
    context.beginPath();
    let open = false;
    points.forEach((point, index) => {
      if (point == null) {
        if (point === null) open = false;
        return;
      }
      const x = index * scaleX;
      const y = height - LINE_PX - point * scaleY;
      if (open) context.lineTo(x, y);
      else context.moveTo(x, y);
      open = true;
    });
    context.globalAlpha = alpha;
    context.strokeStyle = this.colour;
    context.lineWidth = LINE_PX;
    context.lineJoin = "round";
    context.stroke();
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = window.devicePixelRatio;
    this.width = clientWidth;
    this.height = clientHeight;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }
}

function greatest(points: Point[]): number {
  return points.reduce((most: number, point) => Math.max(most, point ?? 0), 0) || 1;
}
