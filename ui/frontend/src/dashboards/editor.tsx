/** The dialog in which a panel is made or changed. */
import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { hasBuckets, aggregationsOf } from "../pages/metric-choices";
import { Dialog } from "../parts/dialog";
import { useKnownMetrics, useMetricDetails } from "./known";
import type { BoardPanel, MetricPanel, SqlPanel, TextPanel } from "./model";
import { HEATMAP, metricOf } from "./resolve";

const MOST_TITLE = 100;
const MOST_QUERY = 16_384;
const MOST_TEXT = 4_000;

const TITLES = { metric: "Metric panel", sql: "SQL panel", text: "Text panel" } as const;

export const NEW_PANELS: Record<BoardPanel["kind"], BoardPanel> = {
  metric: { kind: "metric", metrics: [] },
  sql: {
    kind: "sql",
    unit: "1/s",
    zero: true,
    query: `SELECT time_bucket($interval, end_time) AS time, service_name,
    rate(count(*), $interval_ms) AS spans
FROM spans
WHERE end_time >= $from AND end_time < $to
GROUP BY ALL`,
  },
  text: { kind: "text", columns: 4, rows: 1 },
};

interface EditorProps {
  panel: BoardPanel;
  onDone(panel: BoardPanel): void;
  onClose(): void;
}

export function PanelEditor({ panel, onDone, onClose }: EditorProps) {
  const edited = useSignal(panel);
  return (
    <Dialog title={TITLES[panel.kind]} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onDone(edited.value);
        }}
      >
        {panel.kind === "metric" && <MetricFields panel={edited as Signal<MetricPanel>} />}
        {panel.kind === "sql" && <SqlFields panel={edited as Signal<SqlPanel>} />}
        {panel.kind === "text" && <TextFields panel={edited as Signal<TextPanel>} />}
        <p class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary">Done</button>
        </p>
      </form>
    </Dialog>
  );
}

function TitleField({ panel, hint }: { panel: Signal<BoardPanel>; hint: string }) {
  return (
    <label>
      Title
      <input
        type="text"
        maxLength={MOST_TITLE}
        placeholder={hint}
        value={panel.value.title ?? ""}
        onInput={(event) => (panel.value = { ...panel.value, title: event.currentTarget.value })}
      />
    </label>
  );
}

function MetricFields({ panel }: { panel: Signal<MetricPanel> }) {
  const [names, keys] = [useId(), useId()];
  const known = useKnownMetrics() ?? [];
  const info = metricOf(panel.value, known);
  const details = useMetricDetails(info?.name);
  const { metrics, show = "", group_by = [], service = "" } = panel.value;
  const set = (change: Partial<MetricPanel>): void => {
    panel.value = { ...panel.value, ...change };
  };
  const shows = info
    ? aggregationsOf(info.type, details?.monotonic ?? null, group_by.length > 0)
    : [];
  return (
    <>
      <label>
        Metric
        <input
          type="text"
          list={names}
          required
          spellcheck={false}
          placeholder="a name; of several, with commas, the first that there is"
          defaultValue={metrics.join(", ")}
          onInput={(event) => set({ metrics: listOf(event.currentTarget.value) })}
        />
        <datalist id={names}>
          {[...new Set(known.map(({ name }) => name))].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label>
        Show
        <select value={show} onChange={(event) => set({ show: event.currentTarget.value })}>
          <option value="">what fits its type</option>
          {shows.map(({ id, text }) => (
            <option key={id} value={id}>
              {text}
            </option>
          ))}
          {info && hasBuckets(info.type) && <option value={HEATMAP}>distribution</option>}
          {show !== "" && show !== HEATMAP && !shows.some(({ id }) => id === show) && (
            <option value={show}>{show}</option>
          )}
        </select>
      </label>
      <label>
        Group by
        <input
          type="text"
          list={keys}
          spellcheck={false}
          placeholder="nothing; or service, or a key of its attributes"
          defaultValue={group_by.map((key) => key.replace(/^attribute:/, "")).join(", ")}
          onInput={(event) => set({ group_by: listOf(event.currentTarget.value).map(keyOf) })}
        />
        <datalist id={keys}>
          {["service", ...(details?.attributeKeys ?? [])].map((key) => (
            <option key={key} value={key} />
          ))}
        </datalist>
      </label>
      <label>
        Service
        <input
          type="text"
          spellcheck={false}
          placeholder="the one chosen at the top"
          value={service}
          onInput={(event) => set({ service: event.currentTarget.value.trim() })}
        />
      </label>
      <TitleField panel={panel as Signal<BoardPanel>} hint="its name and what is shown" />
    </>
  );
}

function keyOf(typed: string): string {
  return typed === "service" ? typed : `attribute:${typed}`;
}

function listOf(typed: string): string[] {
  return typed
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function SqlFields({ panel }: { panel: Signal<SqlPanel> }) {
  const set = (change: Partial<SqlPanel>): void => {
    panel.value = { ...panel.value, ...change };
  };
  return (
    <>
      <TitleField panel={panel as Signal<BoardPanel>} hint="Query" />
      <label>
        Query
        <textarea
          required
          rows={10}
          maxLength={MOST_QUERY}
          spellcheck={false}
          value={panel.value.query}
          onInput={(event) => set({ query: event.currentTarget.value })}
        />
      </label>
      <p class="quiet">
        A column of times, and columns of numbers or one of names and one of numbers. $from, $to,
        $interval, $interval_ms and $service follow the page.
      </p>
      <label>
        Unit
        <input
          type="text"
          maxLength={63}
          placeholder="ms, s, By, 1/s, %"
          value={panel.value.unit ?? ""}
          onInput={(event) => set({ unit: event.currentTarget.value.trim() })}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={panel.value.zero ?? false}
          onChange={(event) => set({ zero: event.currentTarget.checked })}
        />
        A line is 0 where it has no row
      </label>
    </>
  );
}

function TextFields({ panel }: { panel: Signal<TextPanel> }) {
  return (
    <>
      <TitleField panel={panel as Signal<BoardPanel>} hint="none" />
      <label>
        Text
        <textarea
          rows={5}
          maxLength={MOST_TEXT}
          value={panel.value.text ?? ""}
          onInput={(event) => (panel.value = { ...panel.value, text: event.currentTarget.value })}
        />
      </label>
    </>
  );
}
