/** `/api/snapshots`. Errors say what to do. */

export const SIGNALS = ["spans", "logs", "metrics"] as const;
export type Signal = (typeof SIGNALS)[number];

export interface Snapshot {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  /** 0 to 1. */
  progress: number;
  rows: number;
  bytes: number;
  error: string | null;
  created_time_ms: number;
  /** Null: since the oldest. */
  from_ms: number | null;
  to_ms: number;
  signals: string[];
  /** Where its file is; null while there is none. */
  file: string | null;
}

/** What to make: no `from_ms` is the oldest there is, no `to_ms` is now. */
export interface Wanted {
  name: string;
  from_ms: number | null;
  to_ms: number | null;
  signals: Signal[];
}

const ADDRESS = "/api/snapshots";

export function isUnderWay({ state }: Snapshot): boolean {
  return state === "queued" || state === "running";
}

export async function listSnapshots(): Promise<Snapshot[]> {
  return ((await ask(ADDRESS)) as { snapshots: Snapshot[] }).snapshots;
}

export async function makeSnapshot(wanted: Wanted): Promise<void> {
  await ask(ADDRESS, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wanted),
  });
}

/** Cancels what is being made, or deletes the file. */
export async function removeSnapshot(id: string): Promise<void> {
  await ask(`${ADDRESS}/${encodeURIComponent(id)}`, { method: "DELETE" });
}

async function ask(url: string, options?: RequestInit): Promise<unknown> {
  const answer = await fetch(url, options).catch(() => {
    throw new Error("Tenth does not answer. Is it running?");
  });
  if (answer.status === 401) throw new Error("You are signed out. Reload the page to sign in again.");
  const content = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
  if (!answer.ok) throw new Error(content.detail ?? content.title ?? `Answer ${answer.status}`);
  return content;
}
