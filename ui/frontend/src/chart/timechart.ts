/** One chart on uPlot: takes lines from rings, paints when told, never holds data of its own. */
import uPlot from "uplot";
import { WINDOW_MS } from "../live/protocol";
import { resolveColour } from "../palette";
import { formatTime } from "../units";
import { Legend } from "./legend";
import { markLines } from "./marklines";
import { PADDING, followPicks, plotWidth, timeAxis, timeCursor, valueAxis, zoomToSelection } from "./plot";
import type { ChartEvents } from "./plot";
import { drawSteps } from "./steps";
import { Grid, LineReader, isolated, sampleLine, sampleMean } from "./sample";
import type { Point } from "./sample";
import { CalmTop } from "./scale";
import { writeText } from "./text";
import { marksVersion } from "../state/marks";
import { dataVersion, linesOf, linesVersion, numbersVersion } from "./spec";
import type { ChartSpec, NamedLine } from "./spec";
import type { View } from "./view";

/** More lines than this need a second row in the legend. */
const ONE_ROW_LINES = 4;
/** More lines than this are drawn thinner. */
const MANY_LINES = 6;
/**
 * Numbers that change ten times a second cannot be read. All charts change theirs in the same
 * paint, for which the browser lays out the page once.
 */
const LEGEND_EVERY_WINDOWS = 5;
/** The legend's numbers are of something else: the next paint writes them. */
const NO_TURN = -1;

export class TimeChart {
  private plot: uPlot | null = null;
  private lines: NamedLine[] = [];
  private data: [number[], ...Point[][]] = [[]];
  /** Of rates: every window, behind the line of their mean. Of other lines: nothing. */
  private windows: Point[][] = [];
  private colours: string[] = [];
  private focused: number | null = null;
  private values: number[] = [];
  private painted = "";
  private numbers = "";
  private built = "";
  private span = 0;
  /** Of the plot; to ask for it at every paint would make the browser lay out the page. */
  private width = 0;
  private turn = NO_TURN;
  private legendWindow = 0;
  private grid: Grid | null = null;
  private readonly top: CalmTop;
  private readonly bottom: CalmTop;
  private readonly legend: Legend;
  private readonly resizes: ResizeObserver;

  constructor(
    private readonly canvasHost: HTMLElement,
    private readonly legendHost: HTMLElement,
    private readonly timeHost: HTMLElement,
    private readonly spec: ChartSpec,
    private readonly events: ChartEvents,
    private readonly onEmpty: (empty: boolean) => void,
  ) {
    this.top = new CalmTop(spec.unit);
    this.bottom = new CalmTop(spec.unit);
    this.legend = new Legend(spec.title, spec.unit, (line) => this.focus(line));
    legendHost.replaceChildren(this.legend.table);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(canvasHost);
  }

  /** Paints when lines, values, view or theme are not those that stand there already. */
  paint(endWindow: number, view: View, themeVersion: number): void {
    const build = `${linesVersion(this.spec)} ${themeVersion}`;
    if (build !== this.built) this.build();
    this.built = build;
    const numbers = numbersVersion(this.spec);
    const data = `${dataVersion(this.spec)} ${numbers} ${marksVersion()}`;
    const picture = `${build} ${data} ${view.from} ${view.to}`;
    if (!this.plot || picture === this.painted) return;
    this.painted = picture;
    if (numbers !== this.numbers) this.turn = NO_TURN;
    this.numbers = numbers;
    if (view.to - view.from !== this.span) {
      this.resetAxis();
      this.turn = NO_TURN;
    }
    this.span = view.to - view.from;
    this.sample(endWindow, view);
    this.plot.batch(() => {
      this.plot?.setData(this.data as uPlot.AlignedData, false);
      this.plot?.setScale("x", { min: view.from * WINDOW_MS, max: view.to * WINDOW_MS });
    });
    this.writeLegend(Math.min(view.to, endWindow));
  }

  destroy(): void {
    this.resizes.disconnect();
    this.plot?.destroy();
  }

  private sample(endWindow: number, view: View): void {
    const unit = Math.max(...this.lines.map(({ ring }) => ring.unit));
    const grid = new Grid(view.from, view.to, this.width, unit);
    grid.fillTimes(this.data[0]);
    this.grid = grid;
    let any = false;
    this.lines.forEach((line, index) => {
      const points = this.data[index + 1] as Point[];
      const rate = line.kind === "rate";
      const drawn = sampleLine(line, grid, endWindow, rate ? this.windows[index]! : points);
      if (rate) sampleMean(line, grid, endWindow, points);
      any ||= drawn;
    });
    this.onEmpty(!any);
  }

  private writeLegend(endWindow: number): void {
    const turn = Math.floor(endWindow / LEGEND_EVERY_WINDOWS);
    const due = turn !== this.turn;
    this.turn = turn;
    this.legendWindow = endWindow;
    if (this.pointed() !== null) this.writePointed();
    else if (due) this.writeLatest();
  }

  private writeLatest(): void {
    this.lines.forEach((line, index) => {
      this.values[index] =
        line.number?.(this.legendWindow) ??
        new LineReader(line, this.legendWindow).summary(this.legendWindow);
    });
    this.legend.setValues(this.values);
  }

  /** The point under the cursor, also when the cursor is on another chart. */
  private pointed(): number | null {
    return this.plot?.cursor.idx ?? null;
  }

  /** Each line's value where uPlot puts its marker: a gauge's is the nearest one it has. */
  private writePointed(): void {
    const index = this.pointed();
    const timeMs = index === null ? undefined : this.data[0][index];
    const time = timeMs === undefined ? "" : formatTime(timeMs);
    writeText(this.timeHost, time);
    if (index === null) return this.writeLatest();
    const marked = this.plot?.cursor.idxs;
    this.legend.setValues(
      this.lines.map((_, line) => this.data[line + 1]?.[marked?.[line + 1] ?? index]),
    );
  }

  private focus(line: number | null): void {
    this.focused = line;
    this.plot?.setSeries(line === null ? null : line + 1, { focus: line !== null });
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvasHost;
    if (width === 0 || height === 0) return;
    this.width = plotWidth(this.canvasHost);
    this.plot?.setSize({ width, height });
    this.painted = "";
    this.events.onResize();
  }

  private build(): void {
    this.plot?.destroy();
    this.plot = null;
    this.painted = "";
    this.turn = NO_TURN;
    this.resetAxis();
    this.lines = linesOf(this.spec);
    this.values = this.lines.map(() => NaN);
    this.data = [[], ...this.lines.map((): Point[] => [])];
    this.windows = this.lines.map(() => []);
    this.colours = this.lines.map(({ colour }) => resolveColour(colour));
    this.focused = null;
    this.legend.show(this.lines);
    this.legendHost.hidden = this.lines.length === 0;
    this.legendHost.classList.toggle("tall", this.lines.length > ONE_ROW_LINES);
    this.width = plotWidth(this.canvasHost);
    if (this.lines.length === 0) this.onEmpty(true);
    else this.plot = new uPlot(this.options(), this.data as uPlot.AlignedData, this.canvasHost);
    if (this.plot && this.events.onPick) {
      followPicks(this.plot, this.canvasHost, () => this.pick());
    }
  }

  /** What stands under the cursor; without one, all that is shown. */
  private pick(): void {
    const index = this.pointed();
    const times = this.data[0];
    const [first, last] = [times[index ?? 0], times[index ?? times.length - 1]];
    if (first === undefined || last === undefined || !this.grid) return;
    const picked = { fromMs: first, toMs: last + this.grid.step * WINDOW_MS };
    if (index === null || this.spec.unit !== "ms") this.events.onPick?.(picked);
    else {
      const values = this.lines.map((_, line) => this.data[line + 1]?.[index] ?? 0);
      this.events.onPick?.({ ...picked, most: Math.max(0, ...values) });
    }
  }

  private resetAxis(): void {
    this.top.reset();
    this.bottom.reset();
  }

  private options(): uPlot.Options {
    return {
      width: Math.max(1, this.canvasHost.clientWidth),
      height: Math.max(1, this.canvasHost.clientHeight),
      ms: 1,
      padding: PADDING,
      legend: { show: false },
      focus: { alpha: 0.25 },
      cursor: timeCursor(this.events),
      plugins: [markLines()],
      scales: {
        x: { time: true },
        y: {
          range: (_, min, max) => [
            (min ?? 0) < 0 ? -this.bottom.next(-min) : 0,
            this.top.next(Math.max(max ?? 0, this.peak())),
          ],
        },
      },
      axes: [timeAxis(this.canvasHost), valueAxis(this.canvasHost, this.spec.unit)],
      series: [
        {},
        ...this.lines.map((line, index) => ({
          label: line.label,
          stroke: this.colours[index] as string,
          width: this.lines.length > MANY_LINES ? 1 : 1.5,
          // A point between two gaps has no line: a dot shows it.
          points: {
            show: line.kind !== "rate",
            size: 3,
            width: 0,
            fill: this.colours[index] as string,
            filter: (_: uPlot, index: number) => isolated(this.data[index] as Point[]),
          },
        })),
      ],
      hooks: {
        drawAxes: [(plot) => this.drawWindows(plot)],
        setCursor: [() => this.writePointed()],
        setSelect: [(plot) => zoomToSelection(plot, this.events)],
      },
    };
  }

  /** The greatest value of a single window; the axis must reach it, too. */
  private peak(): number {
    let peak = 0;
    for (const points of this.windows) {
      for (const point of points) if (point != null && point > peak) peak = point;
    }
    return peak;
  }

  private drawWindows(plot: uPlot): void {
    this.windows.forEach((points, index) => {
      const strong = this.focused === index;
      if (points.length === 0 || (this.focused !== null && !strong)) return;
      drawSteps(plot, this.data[0], points, this.colours[index] as string, this.lines.length, strong);
    });
  }
}
