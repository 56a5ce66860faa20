/** A table with a row for every series of a panel: its numbers change in place, ten times calmer. */
import type { Panel } from "../history/panel";
import type { PanelRing } from "../live/ring";
import { resolveColour } from "../palette";
import type { ColourName } from "../palette";
import type { Picked } from "../state/traces";
import { format } from "../units";
import type { Unit } from "../units";
import type { Kind } from "./sample";
import { writeClipped } from "./clipped";
import { writeText } from "./text";
import { Sparkline } from "./sparkline";
import type { Labels } from "./spec";
import { numberAsOf } from "./numbers";
import { spanOf } from "./view";
import type { View } from "./view";

export interface SeriesColumn {
  title: string;
  /** What exactly the number is, for the tooltip. */
  meaning: string;
  unit: Unit;
  /** Of the table's panel. */
  measure: string;
  /** From here on the number is marked as bad. */
  badFrom?: number;
}

export interface SeriesTableSpec {
  title: string;
  /** Of windows that slide: a column shows what was last known of a measure. */
  panel: Panel;
  /** The heading of the first column. */
  heading: string;
  label(labels: Labels): string;
  colour?(labels: Labels): ColourName;
  columns: SeriesColumn[];
  /** The column that orders the rows, greatest first, until another is chosen. */
  sortBy: number;
  /** Whether the person may choose another order. */
  sortable: boolean;
  mostRows: number;
  /** Of another panel with the same groups. */
  sparkline?: { title: string; panel: Panel; measure: string; kind: Kind };
  /** What choosing a row does, and whether it is chosen. */
  onPick?(labels: Labels): void;
  chosen?(labels: Labels): boolean;
  /**
   * Opens the traces of a row: of a point of its sparkline or, chosen by its name or by keys, of
   * all the time that is shown.
   */
  onTraces?(labels: Labels, picked: Picked, from: HTMLElement): void;
  /** Shown while there is nothing to list. */
  empty: string;
}

/** Numbers that change ten times a second cannot be read, rows that move cannot be clicked. */
const NUMBERS_EVERY_PAINTS = 5;
const ORDER_EVERY_PAINTS = 20;

interface Row {
  element: HTMLTableRowElement;
  cells: HTMLElement[];
  sparkline: Sparkline | null;
  series: number;
}

export class SeriesTable {
  private rows: Row[] = [];
  private order: number[] = [];
  private values: number[][] = [];
  private column: number | null;
  private descending = true;
  private view: View = { from: 0, to: 0 };
  private paints = 0;
  private built = "";
  private painted = "";
  private sparkSeries = new Map<string, number>();
  private readonly headings: HTMLTableCellElement[] = [];
  private readonly body: HTMLTableSectionElement;

  constructor(
    private readonly table: HTMLTableElement,
    private readonly spec: SeriesTableSpec,
    private readonly onEmpty: (empty: boolean) => void,
    /** Something other than data changed: paint soon. */
    private readonly onChange: () => void,
  ) {
    this.column = spec.sortBy;
    this.body = table.tBodies[0] ?? table.createTBody();
    this.makeHead();
  }

  /** Brings numbers and, more seldom, the order of rows up to date. */
  paint(endWindow: number, view: View, still: boolean, themeVersion: number): void {
    this.view = view;
    const { ring } = this.spec.panel;
    const sparkRing = this.spec.sparkline?.panel.ring ?? ring;
    const build = `${ring.id} ${ring.seriesVersion} ${sparkRing.seriesVersion} ${themeVersion}`;
    if (build !== this.built) this.build(sparkRing);
    this.built = build;
    const picture = `${build} ${ring.version} ${sparkRing.version} ${view.from} ${view.to}`;
    const due = still ? picture !== this.painted : this.paints % NUMBERS_EVERY_PAINTS === 0;
    this.paints += 1;
    if (due) this.renew(Math.min(view.to, endWindow), still, themeVersion);
    if (due || !still) this.draw(endWindow, view, still, themeVersion);
    this.painted = picture;
  }

  private build(sparkRing: PanelRing): void {
    this.paints = 0;
    this.sparkSeries = new Map(sparkRing.series.map(({ key }, series) => [key, series]));
  }

  private renew(asOf: number, still: boolean, themeVersion: number): void {
    const { ring } = this.spec.panel;
    this.measure(asOf);
    const busy = this.body.matches(":hover") || this.body.contains(document.activeElement);
    if (this.order.length !== ring.series.length || this.paints === 1) this.sort();
    else if (still || (!busy && this.paints % ORDER_EVERY_PAINTS === 1)) this.sort();
    this.write(themeVersion);
  }

  destroy(): void {
    this.rows.forEach(({ sparkline }) => sparkline?.destroy());
  }

  private measure(asOf: number): void {
    const { panel, columns } = this.spec;
    this.values = panel.ring.series.map((_, series) => {
      return columns.map(({ measure }) => numberAsOf(panel.ring, measure, series, asOf));
    });
  }

  private sort(): void {
    const { panel, label } = this.spec;
    const names = panel.ring.series.map(({ labels }) => label(labels));
    const sign = this.descending ? -1 : 1;
    this.order = names
      .map((_, series) => series)
      .sort((a, b) => {
        const byName = (names[a] ?? "") < (names[b] ?? "") ? -1 : 1;
        if (this.column === null) return sign * byName;
        const [left, right] = [this.valueOf(a), this.valueOf(b)];
        // What is unknown stands last in either order.
        if (Number.isNaN(left) || Number.isNaN(right)) {
          return Number(Number.isNaN(left)) - Number(Number.isNaN(right)) || byName;
        }
        return sign * (left - right) || byName;
      });
  }

  private valueOf(series: number): number {
    return this.values[series]?.[this.column ?? 0] ?? NaN;
  }

  private write(themeVersion: number): void {
    const { spec } = this;
    const shown = this.order.slice(0, spec.mostRows).filter((series) => this.worthShowing(series));
    while (this.rows.length < shown.length) this.addRow();
    this.rows.forEach((row, index) => {
      const series = shown[index];
      row.element.hidden = series === undefined;
      if (series === undefined) return;
      row.series = series;
      this.writeRow(row, themeVersion);
    });
    this.onEmpty(shown.length === 0);
  }

  /** Sparklines by turns, so that no paint has to draw all of a long table. */
  private draw(endWindow: number, view: View, all: boolean, themeVersion: number): void {
    const { sparkline, panel } = this.spec;
    if (!sparkline) return;
    const average = sparkline.kind === "rate";
    this.rows.forEach((row, index) => {
      if (row.element.hidden || !row.sparkline?.visible) return;
      if (!all && index % NUMBERS_EVERY_PAINTS !== this.paints % NUMBERS_EVERY_PAINTS) return;
      const key = panel.ring.series[row.series]?.key;
      const series = this.sparkSeries.get(key ?? "");
      if (series === undefined) row.sparkline.clear();
      else {
        const line = { ...sparkline, ring: sparkline.panel.ring, series };
        row.sparkline.paint({ line, average }, view, endWindow, themeVersion);
      }
    });
  }

  /** A short list is of what leads it: zeros and unknown values do not. */
  private worthShowing(series: number): boolean {
    return this.spec.sortable || this.valueOf(series) > 0;
  }

  private writeRow(row: Row, themeVersion: number): void {
    const { spec } = this;
    const labels = this.labelsOf(row);
    const name = spec.label(labels) || "(none)";
    const [head, ...cells] = row.cells as [HTMLElement, ...HTMLElement[]];
    const look = `${name} ${themeVersion}`;
    if (head.dataset["look"] !== look) {
      head.dataset["look"] = look;
      writeClipped(head, name);
      const colour = spec.colour?.(labels) ?? null;
      row.element.style.setProperty("--swatch", colour ? resolveColour(colour) : "transparent");
      if (colour) row.sparkline?.recolour(colour);
    }
    if (spec.chosen) head.setAttribute("aria-pressed", String(spec.chosen(labels)));
    spec.columns.forEach(({ unit, badFrom }, index) => {
      const value = this.values[row.series]?.[index] ?? NaN;
      const cell = cells[index] as HTMLElement;
      writeText(cell, format(unit, value));
      cell.classList.toggle("bad", value >= (badFrom ?? Infinity));
    });
  }

  private addRow(): void {
    const { spec } = this;
    const element = this.body.insertRow();
    const heading = document.createElement("th");
    heading.scope = "row";
    const opens = spec.onPick ?? (spec.sparkline ? undefined : spec.onTraces);
    const name = document.createElement(opens ? "button" : "span");
    name.className = "clipped";
    heading.append(name);
    element.append(heading);
    const cells = spec.columns.map(() => {
      const cell = element.insertCell();
      cell.className = "numeric";
      return cell;
    });
    const row: Row = { element, cells: [name, ...cells], sparkline: null, series: 0 };
    if (spec.sparkline) {
      const canvas = document.createElement("canvas");
      canvas.setAttribute("aria-hidden", "true");
      const cell = element.insertCell();
      cell.className = "spark";
      cell.append(this.sparkButton(row, canvas) ?? canvas);
      row.sparkline = new Sparkline(canvas, "--series-0", () => this.repaint());
    }
    name.onclick = () => {
      if (spec.onPick) spec.onPick(this.labelsOf(row));
      else if (opens) spec.onTraces?.(this.labelsOf(row), spanOf(this.view), name);
    };
    this.rows.push(row);
  }

  private labelsOf({ series }: Row): Labels {
    return this.spec.panel.ring.series[series]?.labels ?? {};
  }

  private sparkButton(row: Row, canvas: HTMLCanvasElement): HTMLButtonElement | null {
    const { spec } = this;
    if (!spec.onTraces) return null;
    const button = document.createElement("button");
    button.className = "picks";
    button.setAttribute("aria-label", "Traces");
    button.title = "Click: the traces of a point; Enter: of all that is shown";
    button.append(canvas);
    button.onclick = ({ detail, offsetX }) => {
      const { fromMs, toMs } = spanOf(this.view);
      const pointMs = fromMs + ((toMs - fromMs) * offsetX) / Math.max(1, canvas.clientWidth);
      // A click that no pointer made has no place.
      const picked = detail > 0 ? { fromMs: pointMs, toMs: pointMs } : { fromMs, toMs };
      spec.onTraces?.(this.labelsOf(row), picked, button);
    };
    return button;
  }

  private makeHead(): void {
    const { spec } = this;
    const row = this.table.createTHead().insertRow();
    this.headings.push(this.heading(row, spec.heading, "", null));
    spec.columns.forEach(({ title, meaning }, index) => {
      this.headings.push(this.heading(row, title, meaning, index));
    });
    if (spec.sparkline) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.className = "spark";
      cell.textContent = spec.sparkline.title;
      row.append(cell);
    }
    this.markOrder();
  }

  private heading(
    row: HTMLTableRowElement,
    title: string,
    meaning: string,
    column: number | null,
  ): HTMLTableCellElement {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.title = meaning;
    if (column !== null) cell.className = "numeric";
    if (this.spec.sortable) {
      const button = document.createElement("button");
      button.textContent = title;
      button.onclick = () => this.orderBy(column);
      cell.append(button);
    } else cell.textContent = title;
    row.append(cell);
    return cell;
  }

  private orderBy(column: number | null): void {
    // Names begin with A, numbers with the greatest.
    this.descending = this.column === column ? !this.descending : column !== null;
    this.column = column;
    this.markOrder();
    this.repaint();
  }

  private repaint(): void {
    this.paints = 0;
    this.painted = "";
    this.onChange();
  }

  private markOrder(): void {
    if (!this.spec.sortable) return;
    this.headings.forEach((cell, index) => {
      const chosen = (index === 0 ? null : index - 1) === this.column;
      cell.setAttribute("aria-sort", chosen ? (this.descending ? "descending" : "ascending") : "none");
    });
  }
}
