/** Dashboards as the server keeps them (docs/dashboards.md), and changes to them. Pure. */

interface Placed {
  title?: string;
  /** Of the four columns of the grid; absent: 2. */
  columns?: number;
  /** Steps of height; absent: 2. */
  rows?: number;
}

export interface MetricPanel extends Placed {
  kind: "metric";
  /** Names of one thing; the first that there is is shown. */
  metrics: string[];
  show?: string;
  /** `service` or `attribute:KEY`; the first that the points have. */
  group_by?: string[];
  service?: string;
}

export interface SqlPanel extends Placed {
  kind: "sql";
  query: string;
  /** UCUM. */
  unit?: string;
  /** Whether a line is 0 where it has no row. */
  zero?: boolean;
}

export interface TextPanel extends Placed {
  kind: "text";
  text?: string;
}

export type BoardPanel = MetricPanel | SqlPanel | TextPanel;

export interface Dashboard {
  version: number;
  name: string;
  description?: string;
  needs?: string;
  panels?: BoardPanel[];
}

/** What the list tells of a dashboard. A broken one has `error` and no name. */
export interface Summary {
  id: string;
  built_in: boolean;
  etag: string;
  name?: string;
  description?: string;
  needs?: string;
  panels?: number;
  metrics?: string[];
  error?: string;
}

/** A panel with a number that it keeps wherever it is moved to. */
export interface Item {
  key: number;
  panel: BoardPanel;
}

export const VERSION = 1;
export const MOST_PANELS = 48;
export const STEPS = [1, 2, 3, 4] as const;
const DEFAULT_STEPS = 2;
const MOST_ID = 63;
const FALLBACK_ID = "dashboard";

export function newDashboard(name: string, panels: BoardPanel[] = []): Dashboard {
  return { version: VERSION, name, panels };
}

export const columnsOf = (panel: BoardPanel): number => panel.columns ?? DEFAULT_STEPS;
export const rowsOf = (panel: BoardPanel): number => panel.rows ?? DEFAULT_STEPS;

export function titleOf(panel: BoardPanel): string {
  if (panel.title) return panel.title;
  if (panel.kind === "metric") return panel.metrics[0] ?? "Metric";
  return panel.kind === "sql" ? "Query" : "Text";
}

let keys = 0;

export function itemsOf(panels: BoardPanel[]): Item[] {
  return panels.map((panel) => ({ key: (keys += 1), panel }));
}

/** The same items with one in another place; places beyond the ends are the ends. */
export function moved(items: Item[], key: number, to: number): Item[] {
  const item = items.find((other) => other.key === key);
  if (!item) return items;
  const rest = items.filter((other) => other !== item);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), item, ...rest.slice(place)];
}

/** The same items with one changed. */
export function changed(items: Item[], key: number, panel: BoardPanel): Item[] {
  return items.map((item) => (item.key === key ? { key, panel } : item));
}

/** A panel that is so much wider and higher, within what there is. */
export function resized(panel: BoardPanel, columns: number, rows: number): BoardPanel {
  return {
    ...panel,
    columns: clamped(columnsOf(panel) + columns),
    rows: clamped(rowsOf(panel) + rows),
  };
}

function clamped(step: number): number {
  return Math.max(1, Math.min(STEPS.length, step));
}

/** An id made from a name that is none of `taken`: `Caf\u00e9 2` is `cafe-2`. */
export function idFor(name: string, taken: string[]): string {
  const plain = name.normalize("NFKD").replaceAll(/[\u0300-\u036f]/g, "");
  const slug = plain.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const base = trimmed(slug.slice(0, MOST_ID - 4)) || FALLBACK_ID;
  let id = base;
  for (let number = 2; taken.includes(id); number += 1) id = `${base}-${number}`;
  return id;
}

function trimmed(slug: string): string {
  return slug.replace(/^-+/, "").replace(/-+$/, "");
}

/** Own ones first; then those that show something, by name; then the others. */
export function inGroups(
  all: Summary[],
  known: ReadonlySet<string>,
): { own: Summary[]; alive: Summary[]; waiting: Summary[] } {
  const byName = (a: Summary, b: Summary): number =>
    (a.name ?? a.id).localeCompare(b.name ?? b.id);
  const sorted = [...all].sort(byName);
  const builtIn = sorted.filter((summary) => summary.built_in);
  return {
    own: sorted.filter((summary) => !summary.built_in),
    alive: builtIn.filter((summary) => hasData(summary, known)),
    waiting: builtIn.filter((summary) => !hasData(summary, known)),
  };
}

function hasData({ metrics = [] }: Summary, known: ReadonlySet<string>): boolean {
  return metrics.length === 0 || metrics.some((name) => known.has(name));
}
