/** Colours of services and of things with a fixed meaning. */

/** How many `--series-N` colours the style sheet has, for each theme. */
const SERIES_COLOURS = 8;

/** The name of a style-sheet colour, such as `--series-3`. */
export type ColourName = `--${string}`;

const SEVERITY: Record<string, ColourName> = {
  fatal: "--series-4",
  error: "--bad",
  warn: "--warn",
  info: "--series-0",
  debug: "--series-2",
  trace: "--muted",
};

/** A service's colour: the same everywhere and for ever, since it comes from the name alone. */
export function serviceColour(name: string): ColourName {
  return `--series-${fnv1a(name) % SERIES_COLOURS}`;
}

export function severityColour(severity: string): ColourName {
  return SEVERITY[severity] ?? "--muted";
}

/** FNV-1a, 32 bits, with a last mix: its low bits alone tell similar names badly apart. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 16;
  return Math.imul(hash, 0x85ebca6b) >>> 16;
}

/** What a style-sheet colour is in the present theme. */
export function resolveColour(name: ColourName): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
