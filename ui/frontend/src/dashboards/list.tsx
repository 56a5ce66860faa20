/** All dashboards: one's own, those that show something, and what the others wait for. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { useFeed } from "../parts/context";
import { Dialog } from "../parts/dialog";
import { dashboard, state } from "../state/app";
import { formatState } from "../state/url";
import { createDashboard, importDashboard } from "./api";
import type { Listing } from "./api";
import { inGroups, newDashboard } from "./model";
import type { Summary } from "./model";

const MOST_IMPORT_BYTES = 1_000_000;

export function DashboardList({ listing }: { listing: Listing }) {
  const { metrics } = useFeed().connection;
  const known = new Set(metrics.value.map(({ name }) => name));
  const { own, alive, waiting } = inGroups(listing.dashboards, known);
  return (
    <div class="boards">
      <section class="block" aria-labelledby="own-boards">
        <div class="chart-head">
          <h2 id="own-boards">Yours</h2>
          {listing.writable && <NewButtons />}
        </div>
        {listing.error !== "" && (
          <p class="bad" role="alert">
            {listing.error}
          </p>
        )}
        {own.length === 0 && (
          <p class="quiet">None yet: make one, copy one of those below, or pin a chart on Metrics.</p>
        )}
        <Entries entries={own} />
        {listing.truncated && <p class="quiet">There are more files than can be listed.</p>}
      </section>
      <section class="block" aria-labelledby="alive-boards">
        <h2 id="alive-boards">Come with Tenth</h2>
        <Entries entries={alive} />
        {alive.length === 0 && <p class="quiet">None of them has anything to show yet.</p>}
      </section>
      {waiting.length > 0 && (
        <section class="block" aria-labelledby="waiting-boards">
          <h2 id="waiting-boards">Waiting for metrics</h2>
          <Entries entries={waiting} waiting />
        </section>
      )}
    </div>
  );
}

function Entries({ entries, waiting = false }: { entries: Summary[]; waiting?: boolean }) {
  return (
    <ul class="entries">
      {entries.map((entry) => (
        <li key={`${entry.built_in} ${entry.id}`}>
          {entry.error === undefined ? <Link entry={entry} /> : <b>{entry.id}</b>}
          {entry.error === undefined ? (
            <span class="quiet">{waiting ? entry.needs : entry.description}</span>
          ) : (
            <span class="bad">The file is broken: {entry.error}</span>
          )}
          <span class="quiet count">
            {entry.panels === undefined ? "" : `${entry.panels} ${entry.panels === 1 ? "panel" : "panels"}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Link({ entry: { id, name } }: { entry: Summary }) {
  return (
    <a
      href={`/${formatState({ ...state.value, dashboard: id })}`}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        dashboard.value = id;
      }}
    >
      {name}
    </a>
  );
}

function NewButtons() {
  const naming = useSignal(false);
  const problem = useSignal("");
  const file = useRef<HTMLInputElement>(null);
  const open = (made: Promise<string>): void => {
    problem.value = "";
    made.then(
      (id) => (dashboard.value = id),
      (error: Error) => (problem.value = error.message),
    );
  };
  const take = async (chosen: File): Promise<string> => {
    if (chosen.size > MOST_IMPORT_BYTES) throw new Error(`${chosen.name} is too large.`);
    return importDashboard(chosen.name, await chosen.text());
  };
  return (
    <span class="board-bar">
      <button class="primary" onClick={() => (naming.value = true)}>
        New
      </button>
      <button onClick={() => file.current?.click()}>Import</button>
      <input
        ref={file}
        type="file"
        hidden
        accept=".toml,.json"
        aria-label="File to import"
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (chosen) open(take(chosen));
        }}
      />
      {problem.value !== "" && (
        <p class="bad" role="alert">
          {problem.value}
        </p>
      )}
      {naming.value && (
        <NameDialog
          onClose={() => (naming.value = false)}
          onName={(name) => {
            naming.value = false;
            open(createDashboard(newDashboard(name)));
          }}
        />
      )}
    </span>
  );
}

function NameDialog({ onName, onClose }: { onName(name: string): void; onClose(): void }) {
  const name = useSignal("");
  return (
    <Dialog title="New dashboard" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onName(name.value.trim());
        }}
      >
        <label>
          Name
          <input
            type="text"
            required
            maxLength={100}
            pattern=".*\S.*"
            value={name.value}
            onInput={(event) => (name.value = event.currentTarget.value)}
          />
        </label>
        <p class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary">Make it</button>
        </p>
      </form>
    </Dialog>
  );
}
