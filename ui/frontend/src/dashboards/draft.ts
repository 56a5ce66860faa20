/** The dashboard that is being edited in this tab: it outlives a look at another page. */
import { signal } from "@preact/signals";
import { Refused, createDashboard, saveDashboard } from "./api";
import type { Loaded } from "./api";
import { VERSION, itemsOf } from "./model";
import type { Dashboard, Item } from "./model";

export interface Draft {
  id: string;
  /** The state that it was made from. */
  etag: string;
  name: string;
  description: string;
  needs: string;
  items: Item[];
  changed: boolean;
}

export const draft = signal<Draft | null>(null);
/** Why it was not saved. `conflict`: somebody else has changed the dashboard. */
export const failure = signal<{ text: string; conflict: boolean } | null>(null);

export function startEditing({ id, etag, dashboard }: Loaded): void {
  failure.value = null;
  draft.value = {
    id,
    etag,
    name: dashboard.name,
    description: dashboard.description ?? "",
    needs: dashboard.needs ?? "",
    items: itemsOf(dashboard.panels ?? []),
    changed: false,
  };
}

export function edit(change: Partial<Pick<Draft, "name" | "description" | "items">>): void {
  if (draft.peek()) draft.value = { ...(draft.peek() as Draft), ...change, changed: true };
}

export function stopEditing(): void {
  draft.value = null;
  failure.value = null;
}

/** Keeps the draft in place of what it was made from, or of whatever is there. True: it is kept. */
export async function save(overwrite = false): Promise<boolean> {
  const edited = draft.peek();
  if (!edited) return false;
  return attempt(() => saveDashboard(edited.id, dashboardOf(edited), overwrite ? null : edited.etag));
}

/** Keeps the draft as another dashboard; its id, or null. */
export async function saveAsCopy(): Promise<string | null> {
  const edited = draft.peek();
  let id: string | null = null;
  if (edited) {
    await attempt(async () => {
      id = await createDashboard(dashboardOf(edited));
    });
  }
  return id;
}

async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    stopEditing();
    return true;
  } catch (error) {
    const conflict = error instanceof Refused && error.conflict;
    failure.value = { text: (error as Error).message, conflict };
    return false;
  }
}

export function dashboardOf({ name, description, needs, items }: Draft): Dashboard {
  return {
    version: VERSION,
    name,
    ...(description && { description }),
    ...(needs && { needs }),
    panels: items.map(({ panel }) => panel),
  };
}

window.addEventListener("beforeunload", (event) => {
  if (draft.peek()?.changed) event.preventDefault();
});
