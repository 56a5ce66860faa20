/** The lines of a chart with their values: a legend to look at, a table to screen readers. */
import { writeClipped } from "./clipped";
import { resolveColour } from "../palette";
import { writeText } from "./text";
import { format } from "../units";
import type { Unit } from "../units";
import type { NamedLine } from "./spec";

export class Legend {
  readonly table = document.createElement("table");
  private readonly body = this.table.createTBody();
  private cells: HTMLElement[] = [];

  /** `onFocus` gets the index of the line that is pointed at; null: none. */
  constructor(
    title: string,
    private readonly unit: Unit,
    private readonly onFocus: (line: number | null) => void,
  ) {
    this.table.className = "legend";
    this.table.setAttribute("aria-label", `${title}, latest values`);
  }

  show(lines: NamedLine[]): void {
    this.cells = [];
    this.body.replaceChildren(...lines.map((line, index) => this.row(line, index)));
  }

  /** `values[i]` belongs to line `i`; only what changed touches the page. */
  setValues(values: ArrayLike<number | null | undefined>): void {
    this.cells.forEach((cell, index) => {
      writeText(cell, format(this.unit, values[index]));
    });
  }

  private row(line: NamedLine, index: number): HTMLElement {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    const value = document.createElement("td");
    const swatch = document.createElement("i");
    name.scope = "row";
    name.title = line.label;
    name.setAttribute("aria-label", line.label);
    swatch.style.background = resolveColour(line.colour);
    const both = document.createElement("div");
    both.append(swatch, this.label(line));
    name.append(both);
    row.onpointerenter = () => this.onFocus(index);
    row.onpointerleave = () => this.onFocus(null);
    row.append(name, value);
    this.cells.push(value);
    return row;
  }

  private label(line: NamedLine): HTMLElement {
    const label = document.createElement(line.onPick ? "button" : "span");
    writeClipped(label, line.label);
    if (line.onPick) {
      label.onclick = line.onPick;
      label.title = `${line.label}: show this service only`;
    }
    return label;
  }
}
