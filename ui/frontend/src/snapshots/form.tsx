/** What a new snapshot is to have in it. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { useFeed } from "../parts/context";
import { shownSpan } from "../player";
import { spanOf, textsOf } from "../state/typed";
import type { TimeSpan } from "../state/url";
import { SIGNALS, makeSnapshot } from "./api";
import type { Signal, Wanted } from "./api";

/** How long ago a snapshot may begin, in ms. */
const SINCE: Record<string, number | null> = {
  "last 10 min": 600_000,
  "last hour": 3_600_000,
  "last 24 h": 24 * 3_600_000,
  all: null,
};
const FROM_TO = "from\u2013to";
const NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._\\-]*";

export function SnapshotForm({ onMade }: { onMade: () => void }) {
  const since = useSignal(Object.keys(SINCE)[0] ?? "all");
  const problem = useSignal("");
  const busy = useSignal(false);
  const feed = useFeed();
  // What was shown when from and to were wanted stands in their fields.
  const { shown, stood } = useMemo(() => {
    const span = shownSpan(feed);
    return { shown: span, stood: textsOf(span, feed.serverNowMs()) };
  }, [feed, since.value]);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    try {
      await makeSnapshot(wantedOf(form, shown, feed.serverNowMs()));
      problem.value = "";
      onMade();
    } catch (error) {
      problem.value = (error as Error).message;
    }
    busy.value = false;
  };
  return (
    <section class="block" aria-labelledby="new-snapshot">
      <h2 id="new-snapshot">New snapshot</h2>
      <form class="snapshot-form" onSubmit={(event) => void submit(event)}>
        <label>
          Range
          <select
            name="since"
            value={since.value}
            onChange={(event) => (since.value = event.currentTarget.value)}
          >
            {[...Object.keys(SINCE), FROM_TO].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {since.value === FROM_TO && (
          <>
            <label>
              From
              <input type="text" name="from" autocomplete="off" defaultValue={stood.from} />
            </label>
            <label>
              To
              <input type="text" name="to" autocomplete="off" defaultValue={stood.to} />
            </label>
          </>
        )}
        <fieldset>
          <legend>Signals</legend>
          {SIGNALS.map((name) => (
            <label key={name}>
              <input type="checkbox" name="signals" value={name} defaultChecked />
              {name}
            </label>
          ))}
        </fieldset>
        <label>
          Name
          <input type="text" name="name" maxLength={64} pattern={NAME_PATTERN} placeholder="the time" />
        </label>
        <button type="submit" disabled={busy.value}>
          Make it
        </button>
      </form>
      {problem.value !== "" && (
        <p class="bad" role="alert">
          {problem.value}
        </p>
      )}
    </section>
  );
}

/** Throws an Error that says what to choose. */
function wantedOf(form: FormData, shown: TimeSpan, nowMs: number): Wanted {
  const textOf = (field: string): string => String(form.get(field) ?? "");
  const since = textOf("since");
  const signals = form.getAll("signals") as Signal[];
  if (signals.length === 0) throw new Error("Choose at least one signal.");
  const agoMs = SINCE[since];
  const typed = since === FROM_TO ? spanOf({ from: textOf("from"), to: textOf("to") }, shown, nowMs) : null;
  return {
    name: textOf("name"),
    signals,
    from_ms: typed?.fromMs ?? (agoMs == null ? null : Date.now() - agoMs),
    to_ms: typed?.toMs ?? null,
  };
}
