/** Snapshots: make one, take it away, delete it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "../parts/icon";
import { Table } from "../parts/table";
import type { Column } from "../parts/table";
import { SnapshotForm } from "../snapshots/form";
import { isUnderWay, listSnapshots, removeSnapshot } from "../snapshots/api";
import type { Snapshot } from "../snapshots/api";
import { snapshot as shown } from "../state/snapshot";
import { NO_VALUE, format, formatCount, formatDateTime } from "../units";

const SOON_MS = 500;
const LATER_MS = 5_000;

export function SnapshotsPage() {
  return shown ? <Shown name={shown.name} signals={shown.signals} /> : <Snapshots />;
}

function Shown({ name, signals }: { name: string; signals: string[] }) {
  return (
    <section class="block">
      <h2>This is a snapshot</h2>
      <p>
        {name} has {signals.join(", ")}. New ones are made by a running Tenth, on this page or with{" "}
        <code>tenth snapshot export</code>.
      </p>
    </section>
  );
}

function Snapshots() {
  const found = useSignal<Snapshot[]>([]);
  const problem = useSignal("");
  const asked = useSignal(0);
  useEffect(() => {
    let timer = 0;
    let stopped = false;
    const look = async (): Promise<void> => {
      try {
        const list = await listSnapshots();
        if (stopped) return;
        found.value = list;
        problem.value = "";
      } catch (error) {
        problem.value = (error as Error).message;
      }
      if (!stopped) timer = window.setTimeout(() => void look(), delayMs());
    };
    const delayMs = (): number => (found.peek().some(isUnderWay) ? SOON_MS : LATER_MS);
    void look();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [asked.value]);
  const again = (): void => {
    asked.value += 1;
  };
  const remove = async (id: string): Promise<void> => {
    try {
      await removeSnapshot(id);
    } catch (error) {
      problem.value = (error as Error).message;
    }
    again();
  };
  return (
    <div class="status">
      <SnapshotForm onMade={again} />
      {problem.value !== "" && (
        <p class="bad note" role="alert">
          <Icon name="warn" /> {problem.value}
        </p>
      )}
      <Table
        title="Snapshots"
        columns={columns((id) => void remove(id))}
        rows={found.value}
        keyOf={({ id }) => id}
        empty="None yet."
      />
      <section class="block">
        <h2>Looking at one</h2>
        <p>
          <code>tenth snapshot open NAME.tenth</code> shows it in this page, on any machine and without
          anything running. It is a zip with Parquet files, too: DuckDB, pandas and other tools read
          them.
        </p>
      </section>
    </div>
  );
}

function columns(remove: (id: string) => void): Column<Snapshot>[] {
  return [
    { title: "Name", cell: ({ id }) => id },
    { title: "State", cell: (row) => <State {...row} /> },
    {
      title: "From",
      cell: ({ from_ms }) => (from_ms === null ? "the oldest" : formatDateTime(from_ms)),
    },
    { title: "To", cell: ({ to_ms }) => formatDateTime(to_ms) },
    { title: "Signals", cell: ({ signals }) => signals.join(", ") },
    { title: "Rows", numeric: true, cell: ({ rows }) => formatCount(rows) },
    { title: "Size", numeric: true, cell: ({ bytes }) => format("bytes", bytes) },
    {
      title: "File",
      cell: ({ id, file }) =>
        file === null ? (
          NO_VALUE
        ) : (
          <a href={file} download={`${id}.tenth`} aria-label={`Download ${id}`}>
            Download
          </a>
        ),
    },
    { title: "Remove", cell: (row) => <Remove snapshot={row} remove={remove} /> },
  ];
}

function State({ id, state, progress, error }: Snapshot) {
  if (state === "running") {
    return <progress aria-label={`Progress of ${id}`} max={1} value={progress} />;
  }
  return (
    <span class={state === "failed" ? "bad" : ""} title={error ?? ""}>
      {state}
      {error !== null && `: ${error}`}
    </span>
  );
}

/** A file that is gone is gone: asked twice. */
function Remove({ snapshot, remove }: { snapshot: Snapshot; remove: (id: string) => void }) {
  const { id } = snapshot;
  const underWay = isUnderWay(snapshot);
  const sure = useSignal(false);
  const label = underWay ? "Cancel" : sure.value ? "Really delete?" : "Delete";
  const act = (): void => {
    if (underWay || sure.value || snapshot.file === null) remove(id);
    else sure.value = true;
  };
  return (
    <button aria-label={`${label} ${id}`} onClick={act} onBlur={() => (sure.value = false)}>
      {label}
    </button>
  );
}
