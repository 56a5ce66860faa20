/** From and to as text, to read and to type over. */
import { useSignal } from "@preact/signals";
import { shownSpan } from "../player";
import type { LiveFeed } from "../live/feed";
import { fixedTime } from "../state/app";
import { show, togglePause } from "../state/travel";
import { spanOf, textsOf } from "../state/typed";
import type { TypedSpan } from "../state/typed";
import type { TimeSpan } from "../state/url";
import { Icon } from "./icon";

const FROM_ID = "time-from";
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const FIELDS: [keyof TypedSpan, string][] = [
  ["from", "From"],
  ["to", "To"],
];

/** Stops what is live, and goes to the first field. */
export function typeTimes(feed: LiveFeed): void {
  if (fixedTime.peek() === null) togglePause(shownSpan(feed));
  // It may be there only after the next rendering.
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>(`#${FROM_ID}`)?.select());
}

export function TimeFields({ shown, nowMs }: { shown: TimeSpan; nowMs: number }) {
  // What has not been touched goes on with what is shown.
  const typed = useSignal<Partial<TypedSpan>>({});
  const problem = useSignal("");
  const stood = textsOf(shown, nowMs);
  const forget = (): void => {
    typed.value = {};
    problem.value = "";
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    try {
      show(spanOf({ ...stood, ...typed.value }, shown, nowMs));
      forget();
    } catch (error) {
      problem.value = (error as Error).message;
    }
  };
  return (
    <form class="when" onSubmit={submit}>
      {FIELDS.map(([end, name]) => (
        <input
          key={end}
          id={end === "from" ? FROM_ID : undefined}
          type="text"
          aria-label={name}
          aria-invalid={problem.value.startsWith(name)}
          title={`${name}, in ${ZONE}: 2026-11-20 18:30:00, or 18:30`}
          autocomplete="off"
          spellcheck={false}
          value={typed.value[end] ?? stood[end]}
          onInput={({ currentTarget: { value } }) => (typed.value = { ...typed.value, [end]: value })}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            forget();
            event.currentTarget.blur();
          }}
        />
      ))}
      <button>Show</button>
      {problem.value !== "" && (
        <p class="bad" role="alert">
          <Icon name="warn" /> {problem.value}
        </p>
      )}
    </form>
  );
}
