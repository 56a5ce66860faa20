/** One dashboard: its name, what can be done with it, and its panels. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { MetricInfo } from "../live/protocol";
import { Icon } from "../parts/icon";
import { dashboard } from "../state/app";
import { createDashboard, deleteDashboard, exportAddress, loadDashboard } from "./api";
import type { Loaded } from "./api";
import { draft, edit, failure, save, saveAsCopy, startEditing, stopEditing } from "./draft";
import type { Draft } from "./draft";
import { NEW_PANELS, PanelEditor } from "./editor";
import { Grid } from "./grid";
import { useKnownMetrics } from "./known";
import { MOST_PANELS, itemsOf, titleOf } from "./model";
import type { BoardPanel, Item, MetricPanel } from "./model";
import { metricOf } from "./resolve";

export function Board({ id, writable }: { id: string; writable: boolean }) {
  const loaded = useSignal<Loaded | null>(null);
  const problem = useSignal("");
  const edited = draft.value?.id === id ? draft.value : null;
  const load = (): void => {
    problem.value = "";
    loadDashboard(id).then(
      (found) => (loaded.value = found),
      (error: Error) => (problem.value = error.message),
    );
  };
  useEffect(load, [id]);
  const board = loaded.value;
  const known = useKnownMetrics();
  const items = useMemo(() => itemsOf(board?.dashboard.panels ?? []), [board]);
  const absent = board?.builtIn ? absentOf(items, known) : [];
  if (problem.value !== "") {
    return (
      <div class="block">
        <p class="bad" role="alert">
          {problem.value}
        </p>
        <p class="buttons">
          <AllButton />
        </p>
      </div>
    );
  }
  if (!board) return <p class="quiet block">Loading</p>;
  const { name, description = "", needs } = board.dashboard;
  const shown = edited?.items ?? items.filter(({ panel }) => !(absent as BoardPanel[]).includes(panel));
  return (
    <>
      <div class="board-head">
        <AllButton />
        {edited ? (
          <EditBar draft={edited} onSaved={load} />
        ) : (
          <ViewBar board={board} writable={writable} onProblem={(text) => (problem.value = text)} />
        )}
        {!edited && <h2>{name}</h2>}
        {!edited && <p class="quiet">{description}</p>}
        {edited && <Failure onLoad={load} />}
      </div>
      <Grid items={shown} editable={edited !== null} />
      {shown.length === 0 && (
        <p class="quiet block">
          {edited ? "Add a panel above." : "There is nothing here yet: edit it, or pin a chart."}
        </p>
      )}
      {!edited && (absent.length > 0 || needs) && (
        <p class="quiet needs">
          {absent.length > 0 && `Left out, for nothing has sent it: ${absent.map(describe).join(", ")}. `}
          {needs}
        </p>
      )}
    </>
  );
}

/** Panels that come with Tenth and show what nobody sends. */
function absentOf(items: Item[], known: MetricInfo[] | null): MetricPanel[] {
  const panels = items.map(({ panel }) => panel).filter((panel) => panel.kind === "metric");
  return known === null ? [] : panels.filter((panel) => metricOf(panel, known) === null);
}

function describe(panel: MetricPanel): string {
  return `${titleOf(panel)} (${panel.metrics[0]})`;
}

function AllButton() {
  return (
    <button title="All dashboards" onClick={() => (dashboard.value = "")}>
      <Icon name="left" />
      All
    </button>
  );
}

interface ViewBarProps {
  board: Loaded;
  writable: boolean;
  onProblem(text: string): void;
}

function ViewBar({ board, writable, onProblem }: ViewBarProps) {
  const { id, etag, builtIn } = board;
  const sure = useSignal(false);
  // One dashboard is edited at a time, and what was changed is not dropped for another.
  const unsaved = draft.value?.changed ? draft.value : null;
  const report = (error: Error): void => onProblem(error.message);
  const copy = (): void => {
    const name = `${board.dashboard.name} (copy)`.slice(-100);
    createDashboard({ ...board.dashboard, name }).then((made) => (dashboard.value = made), report);
  };
  const remove = (): void => {
    deleteDashboard(id, etag).then(() => (dashboard.value = ""), report);
  };
  return (
    <span class="board-bar">
      {writable && !builtIn && !unsaved && (
        <button class="primary" onClick={() => startEditing(board)}>
          <Icon name="edit" />
          Edit
        </button>
      )}
      {unsaved && (
        <button title="Save or discard that first" onClick={() => (dashboard.value = unsaved.id)}>
          Not saved yet: {unsaved.name}
        </button>
      )}
      {writable && <button onClick={copy}>Copy</button>}
      <a class="button" href={exportAddress(id)} download={`${id}.toml`}>
        Export
      </a>
      {writable && !builtIn && !sure.value && (
        <button onClick={() => (sure.value = true)}>Delete</button>
      )}
      {sure.value && (
        <>
          <button class="danger" onClick={remove}>
            Delete for good
          </button>
          <button onClick={() => (sure.value = false)}>Keep</button>
        </>
      )}
    </span>
  );
}

function EditBar({ draft: edited, onSaved }: { draft: Draft; onSaved(): void }) {
  const adding = useSignal<BoardPanel["kind"] | null>(null);
  const full = edited.items.length >= MOST_PANELS;
  const add = (panel: BoardPanel): void => {
    edit({ items: [...edited.items, ...itemsOf([panel])] });
    adding.value = null;
  };
  return (
    <>
      <input
        class="board-name"
        type="text"
        aria-label="Name of the dashboard"
        maxLength={100}
        value={edited.name}
        onInput={(event) => edit({ name: event.currentTarget.value })}
      />
      <input
        class="board-about"
        type="text"
        aria-label="Description"
        placeholder="What it is about"
        maxLength={1000}
        value={edited.description}
        onInput={(event) => edit({ description: event.currentTarget.value })}
      />
      <span class="board-bar">
        <span class="choice" role="group" aria-label="Add a panel">
          {(["metric", "sql", "text"] as const).map((kind) => (
            <button key={kind} disabled={full} onClick={() => (adding.value = kind)}>
              + {kind === "sql" ? "SQL" : kind}
            </button>
          ))}
        </span>
        <button onClick={stopEditing}>{edited.changed ? "Discard" : "Cancel"}</button>
        <button
          class="primary"
          disabled={!edited.changed || edited.name.trim() === ""}
          onClick={() => void save().then((kept) => kept && onSaved())}
        >
          Save
        </button>
      </span>
      {adding.value && (
        <PanelEditor
          panel={NEW_PANELS[adding.value]}
          onDone={add}
          onClose={() => (adding.value = null)}
        />
      )}
    </>
  );
}

/** What happened to a draft that was not saved, and what can be done. */
function Failure({ onLoad }: { onLoad(): void }) {
  if (!failure.value) return null;
  const { text, conflict } = failure.value;
  return (
    <p class="bad failure" role="alert">
      <Icon name="warn" />
      <span>
        {conflict ? "Not saved: somebody else has changed this dashboard meanwhile." : text}
      </span>
      {conflict && (
        <>
          <button onClick={() => void saveAsCopy().then((id) => id && (dashboard.value = id))}>
            Save mine as a copy
          </button>
          <button onClick={() => void save(true).then((kept) => kept && onLoad())}>
            Replace theirs
          </button>
          <button
            onClick={() => {
              stopEditing();
              onLoad();
            }}
          >
            Show theirs
          </button>
        </>
      )}
    </p>
  );
}
