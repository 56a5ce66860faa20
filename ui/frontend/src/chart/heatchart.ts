/** A heatmap over time on uPlot's axes: where values fell, the more the stronger. */
import uPlot from "uplot";
import { WINDOW_MS } from "../live/protocol";
import { resolveColour } from "../palette";
import { formatCount, formatTime } from "../units";
import type { TraceFilter } from "../state/traces";
import type { Unit } from "../units";
import { ROWS_PER_OCTAVE, heatGrid } from "./heatgrid";
import type { HeatGrid } from "./heatgrid";
import { marksVersion } from "../state/marks";
import { markLines } from "./marklines";
import { PADDING, followPicks, logAxis, plotWidth, timeAxis, timeCursor, zoomToSelection } from "./plot";
import type { ChartEvents } from "./plot";
import { Grid } from "./sample";
import type { RingHolder } from "./spec";
import { writeText } from "./text";
import type { View } from "./view";

export interface HeatSpec {
  title: string;
  /** What a cell counts. */
  counted: string;
  unit: Unit;
  panel: RingHolder;
  /** No cell is shorter than so many windows: as often as values come. */
  leastWindows: number;
  /** Which traces a cell of it stands for; absent: it is not of spans. */
  traces?: TraceFilter;
  empty: string;
}

/** The faintest cell that has anything must be seen. */
const LEAST_ALPHA = 40;
/** A picture narrower than this is drawn in wider cells. */
const CELL_PX = 3;

export class HeatChart {
  private plot: uPlot | null = null;
  private heat: HeatGrid | null = null;
  private grid: Grid | null = null;
  private picture = "";
  /** Of the plot; to ask for it at every paint would make the browser lay out the page. */
  private width = 0;
  private theme = -1;
  private colour: [number, number, number] = [0, 0, 0];
  private readonly image = document.createElement("canvas");
  private readonly resizes: ResizeObserver;

  constructor(
    private readonly host: HTMLElement,
    private readonly timeHost: HTMLElement,
    private readonly mostHost: HTMLElement,
    private readonly spec: HeatSpec,
    private readonly events: ChartEvents,
    private readonly onEmpty: (empty: boolean) => void,
  ) {
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(host);
  }

  /** Paints when data, view or theme are not those that stand there already. */
  paint(_endWindow: number, view: View, themeVersion: number): void {
    if (themeVersion !== this.theme) this.build();
    this.theme = themeVersion;
    const { ring } = this.spec.panel;
    const picture = `${ring.id} ${ring.version} ${view.from} ${view.to} ${themeVersion} ${marksVersion()}`;
    if (!this.plot || picture === this.picture) return;
    this.picture = picture;
    const columns = Math.min(
      this.width / CELL_PX,
      (view.to - view.from + 1) / this.spec.leastWindows,
    );
    this.grid = new Grid(view.from, view.to, columns, ring.unit);
    this.heat = heatGrid(ring, this.grid);
    this.onEmpty(this.heat === null || this.heat.most === 0);
    if (this.heat) this.render(this.heat);
    const { firstRow, rows } = this.heat ?? { firstRow: 0, rows: 1 };
    const times = this.times();
    this.plot.batch(() => {
      const min = view.from * WINDOW_MS;
      const max = view.to * WINDOW_MS;
      this.plot?.setData([times, times.map(() => null)], false);
      this.plot?.setScale("x", { min, max });
      this.plot?.setScale("y", { min: firstRow, max: firstRow + rows });
    });
    this.writeNote();
  }

  destroy(): void {
    this.resizes.disconnect();
    this.plot?.destroy();
  }

  private times(): number[] {
    const { grid } = this;
    if (!grid) return [];
    return Array.from({ length: grid.buckets }, (_, i) => (grid.first + i * grid.step) * WINDOW_MS);
  }

  /** One pixel a cell; the plot stretches it. */
  private render({ columns, rows, cells, most }: HeatGrid): void {
    this.image.width = columns;
    this.image.height = rows;
    const context = this.image.getContext("2d") as CanvasRenderingContext2D;
    const pixels = context.createImageData(columns, rows);
    const [red, green, blue] = this.colour;
    const scale = (255 - LEAST_ALPHA) / Math.log1p(Math.max(1, most));
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const count = cells[row * columns + column]!;
        if (count === 0) continue;
        const at = ((rows - 1 - row) * columns + column) * 4;
        pixels.data[at] = red;
        pixels.data[at + 1] = green;
        pixels.data[at + 2] = blue;
        pixels.data[at + 3] = LEAST_ALPHA + scale * Math.log1p(count);
      }
    }
    context.putImageData(pixels, 0, 0);
  }

  private draw(plot: uPlot): void {
    const { heat, grid } = this;
    if (!heat || !grid) return;
    const { ctx, bbox } = plot;
    const left = plot.valToPos(grid.first * WINDOW_MS, "x", true);
    const right = plot.valToPos((grid.first + grid.buckets * grid.step) * WINDOW_MS, "x", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.image, left, bbox.top, right - left, bbox.height);
    ctx.restore();
  }

  private writeNote(): void {
    const index = this.plot?.cursor.idx;
    const timeMs = index == null ? undefined : this.times()[index];
    const time = timeMs === undefined ? "" : formatTime(timeMs);
    const most = `${formatCount(this.heat?.most ?? 0)} ${this.spec.counted}`;
    writeText(this.timeHost, time);
    writeText(this.mostHost, most);
  }

  /** The cell under the cursor; without one, all that is shown. */
  private pick(): void {
    const { plot, grid } = this;
    if (!plot || !grid) return;
    const { idx, top } = plot.cursor;
    const times = this.times();
    const [first, last] = [times[idx ?? 0], times[idx ?? times.length - 1]];
    if (first === undefined || last === undefined) return;
    const picked = { fromMs: first, toMs: last + grid.step * WINDOW_MS };
    if (idx == null) return this.events.onPick?.(picked);
    const row = Math.floor(plot.posToVal(top ?? 0, "y"));
    const limitOf = (place: number): number => 2 ** (place / ROWS_PER_OCTAVE);
    this.events.onPick?.({ ...picked, least: limitOf(row), most: limitOf(row + 1) });
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width === 0 || height === 0) return;
    this.width = plotWidth(this.host);
    this.plot?.setSize({ width, height });
    this.picture = "";
    this.events.onResize();
  }

  private build(): void {
    this.plot?.destroy();
    this.picture = "";
    this.colour = rgb(resolveColour("--series-0"));
    this.width = plotWidth(this.host);
    this.plot = new uPlot(
      {
        width: Math.max(1, this.host.clientWidth),
        height: Math.max(1, this.host.clientHeight),
        ms: 1,
        padding: PADDING,
        legend: { show: false },
        cursor: timeCursor(this.events),
        plugins: [markLines()],
        scales: { x: { time: true }, y: { auto: false, range: (_, min, max) => [min, max] } },
        axes: [
          timeAxis(this.host),
          logAxis(this.host, this.spec.unit, ROWS_PER_OCTAVE),
        ],
        series: [{}, {}],
        hooks: {
          drawAxes: [(plot) => this.draw(plot)],
          setCursor: [() => this.writeNote()],
          setSelect: [(plot) => zoomToSelection(plot, this.events)],
        },
      },
      [[], []],
      this.host,
    );
    if (this.events.onPick) followPicks(this.plot, this.host, () => this.pick());
  }
}

function rgb(colour: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}
