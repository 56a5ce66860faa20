/** The snapshot that is shown in place of what arrives, if the server shows one. */
import type { TimeSpan } from "./url";

export interface ShownSnapshot {
  name: string;
  span: TimeSpan;
  madeMs: number;
  signals: string[];
}

const META = 'meta[name="tenth-snapshot"]';

export const snapshot: ShownSnapshot | null = readSnapshot(
  document.querySelector<HTMLMetaElement>(META)?.content ?? "",
);

/** What the server has written into the page's head; empty: nothing. */
export function readSnapshot(content: string): ShownSnapshot | null {
  if (content === "") return null;
  const told = JSON.parse(content) as {
    name: string;
    from_ms: number;
    to_ms: number;
    created_time_ms: number;
    signals: string[];
  };
  return {
    name: told.name,
    // Windows are whole: the first and the last are shown, too.
    span: { fromMs: Math.floor(told.from_ms), toMs: Math.ceil(told.to_ms) },
    madeMs: told.created_time_ms,
    signals: told.signals,
  };
}
