/** What a chart shows, said without saying how. */
import type { PanelRing } from "../live/ring";
import type { ColourName } from "../palette";
import type { TraceFilter } from "../state/traces";
import type { Unit } from "../units";
import type { Kind, Line } from "./sample";

export type Labels = Record<string, string>;

/** Whoever holds the windows that a chart shows; it may be another ring at every paint. */
export interface RingHolder {
  readonly ring: PanelRing;
}

/** One measure of one panel: as many lines as the panel has series. */
export interface Source {
  panel: RingHolder;
  measure: string;
  kind: Kind;
  label(labels: Labels): string;
  colour(labels: Labels): ColourName;
  /** What choosing the line in the legend does. */
  onPick?(labels: Labels): void;
  /** The number in the legend as of a window; absent: what the line last says. */
  number?(asOf: number, series: number): number;
  /** What `number` reads, where that is not `panel`. */
  numbers?: RingHolder;
}

export interface ChartSpec {
  title: string;
  unit: Unit;
  sources: Source[];
  /** What the title does not say. */
  note?(): string;
  /** Which traces a point of it stands for; absent: it is not of spans. */
  traces?: TraceFilter;
  /** Shown while there is nothing to draw. */
  empty: string;
  /** It is what the page is about. */
  tall?: boolean;
}

export interface NamedLine extends Line {
  label: string;
  colour: ColourName;
  onPick: (() => void) | null;
  number: ((asOf: number) => number) | null;
}

/** All lines of a chart as of now. */
export function linesOf(spec: ChartSpec): NamedLine[] {
  return spec.sources.flatMap((source) =>
    source.panel.ring.series.map(({ labels }, series) => ({
      ring: source.panel.ring,
      measure: source.measure,
      series,
      kind: source.kind,
      label: source.label(labels),
      colour: source.colour(labels),
      number: source.number ? (asOf: number) => source.number?.(asOf, series) ?? NaN : null,
      onPick: source.onPick ? () => source.onPick?.(labels) : null,
    })),
  );
}

/** A text that changes when the lines must be made anew. */
export function linesVersion(spec: ChartSpec): string {
  return spec.sources.map(({ panel: { ring } }) => `${ring.id}.${ring.seriesVersion}`).join(" ");
}

/** A text that changes when the legend's numbers may be others. */
export function numbersVersion(spec: ChartSpec): string {
  return spec.sources.map(({ numbers }) => (numbers ? versionOf(numbers) : "")).join(" ");
}

/** A text that changes with the ring, and with what is in it. */
export function versionOf({ ring }: RingHolder): string {
  return `${ring.id}.${ring.version}`;
}

/** A number that changes when there is something new to paint in the same rings. */
export function dataVersion(spec: ChartSpec): number {
  return spec.sources.reduce((sum, { panel }) => sum + panel.ring.version, 0);
}
