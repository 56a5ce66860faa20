/** "Pin": puts a chart of another page on a dashboard. */
import { batch, useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { dashboard, page } from "../state/app";
import { Refused, createDashboard, listDashboards, loadDashboard, saveDashboard } from "./api";
import type { Listing } from "./api";
import { MOST_PANELS, newDashboard } from "./model";
import type { BoardPanel } from "./model";

const NEW = "";
const TRIES = 3;

export function PinButton({ panel }: { panel: BoardPanel }) {
  const open = useSignal(false);
  return (
    <>
      <button
        class="tool"
        title="Pin to a dashboard"
        aria-label="Pin to a dashboard"
        onClick={() => (open.value = true)}
      >
        <Icon name="pin" />
        Pin
      </button>
      {open.value && <PinDialog panel={panel} onClose={() => (open.value = false)} />}
    </>
  );
}

function PinDialog({ panel, onClose }: { panel: BoardPanel; onClose(): void }) {
  const listing = useSignal<Listing | null>(null);
  const chosen = useSignal(NEW);
  const name = useSignal("");
  const problem = useSignal("");
  const pinned = useSignal<string | null>(null);
  const field = useId();
  useEffect(() => {
    listDashboards().then(
      (found) => {
        listing.value = found;
        chosen.value = ownOf(found)[0]?.id ?? NEW;
      },
      (error: Error) => (problem.value = error.message),
    );
  }, []);
  const own = listing.value ? ownOf(listing.value) : [];
  const pin = async (): Promise<void> => {
    problem.value = "";
    try {
      if (chosen.value !== NEW) await append(chosen.value, panel);
      pinned.value =
        chosen.value === NEW
          ? await createDashboard(newDashboard(name.value.trim(), [panel]))
          : chosen.value;
    } catch (error) {
      problem.value = (error as Error).message;
    }
  };
  if (pinned.value !== null) return <Pinned id={pinned.value} onClose={onClose} />;
  return (
    <Dialog title="Pin to a dashboard" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void pin();
        }}
      >
        <label>
          Dashboard
          <select
            value={chosen.value}
            disabled={!listing.value}
            onChange={(event) => (chosen.value = event.currentTarget.value)}
          >
            {own.map(({ id, name: title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
            <option value={NEW}>New dashboard</option>
          </select>
        </label>
        {chosen.value === NEW && (
          <label for={field}>
            Name
            <input
              id={field}
              type="text"
              required
              maxLength={100}
              pattern=".*\S.*"
              value={name.value}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </label>
        )}
        {listing.value?.writable === false && (
          <p class="quiet">This Tenth shows a snapshot: nothing can be pinned here.</p>
        )}
        {problem.value !== "" && (
          <p class="bad" role="alert">
            {problem.value}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary" disabled={!listing.value?.writable}>
            Pin
          </button>
        </p>
      </form>
    </Dialog>
  );
}

function Pinned({ id, onClose }: { id: string; onClose(): void }) {
  return (
    <Dialog title="Pinned" onClose={onClose}>
      <p>The chart is the last one on the dashboard.</p>
      <p class="buttons">
        <button onClick={onClose}>Stay here</button>
        <button
          class="primary"
          onClick={() => {
            onClose();
            batch(() => {
              dashboard.value = id;
              page.value = "dashboards";
            });
          }}
        >
          Open it
        </button>
      </p>
    </Dialog>
  );
}

function ownOf({ dashboards }: Listing): Listing["dashboards"] {
  return dashboards.filter(({ built_in, error }) => !built_in && error === undefined);
}

/** Puts the panel at the end of a dashboard, whoever else changes it meanwhile. */
async function append(id: string, panel: BoardPanel): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const { dashboard: found, etag } = await loadDashboard(id);
    const panels = [...(found.panels ?? []), panel];
    if (panels.length > MOST_PANELS) {
      throw new Error(`It has ${MOST_PANELS} panels already: choose another dashboard.`);
    }
    try {
      await saveDashboard(id, { ...found, panels }, etag);
      return;
    } catch (error) {
      if (!(error instanceof Refused) || !error.conflict || tries === TRIES) throw error;
    }
  }
}
