/** Colours of services and of things with a fixed meaning. */

/** The name of a style-sheet colour, such as `--series-3`. */
export type ColourName = `--${string}`;

/** How many `--series-N` colours the style sheet has, for each theme. */
const SERIES_COLOURS = 8;
/** Tenth itself stands back behind what it watches. */
const OWN_SERVICE = "tenth";

const SEVERITY: Record<string, ColourName> = {
  fatal: "--series-4",
  error: "--bad",
  warn: "--warn",
  info: "--series-0",
  debug: "--series-2",
  trace: "--muted",
};

export function severityColour(severity: string): ColourName {
  return SEVERITY[severity] ?? "--muted";
}

/**
 * A service's colour comes from a hash of its name, so it is the same everywhere. Of two known
 * services with the same hash the later name in the alphabet gives way to a colour that is used
 * less; once given, a colour stays.
 */
export class ServiceColours {
  private readonly given = new Map<string, number>();
  private readonly uses = new Array<number>(SERIES_COLOURS).fill(0);

  /** Gives colours to services that have none yet. */
  assign(names: string[]): void {
    for (const name of [...names].sort()) {
      if (name === OWN_SERVICE || this.given.has(name)) continue;
      const colour = this.leastUsedFrom(hashed(name));
      this.given.set(name, colour);
      this.uses[colour] = (this.uses[colour] ?? 0) + 1;
    }
  }

  of(name: string): ColourName {
    if (name === OWN_SERVICE) return "--muted";
    return `--series-${this.given.get(name) ?? hashed(name)}`;
  }

  private leastUsedFrom(first: number): number {
    const least = Math.min(...this.uses);
    let colour = first;
    while (this.uses[colour] !== least) colour = (colour + 1) % SERIES_COLOURS;
    return colour;
  }
}

/** The colour of a group that is not a service: the same wherever it has the same name. */
export function groupColour(name: string): ColourName {
  return `--series-${hashed(name)}`;
}

/**
 * Colours of the groups of one chart that are no services: by their names, and no two alike while
 * there are enough.
 */
export function groupColours(): (name: string) => ColourName {
  const colours = new ServiceColours();
  return (name) => {
    colours.assign([name]);
    return colours.of(name);
  };
}

export const serviceColours = new ServiceColours();

/** FNV-1a, 32 bits, with a last mix: its low bits alone tell similar names badly apart. */
function hashed(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 16;
  return (Math.imul(hash, 0x85ebca6b) >>> 16) % SERIES_COLOURS;
}

/** What a style-sheet colour is in the present theme, for a canvas. */
export function resolveColour(name: ColourName): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
