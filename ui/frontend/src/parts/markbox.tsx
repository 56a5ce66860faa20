/** A small box for the text of a mark. */
import { useSignal } from "@preact/signals";
import { NO_ANSWER, problemOf } from "../history/lookup";
import { fixedTime, markBoxOpen, service } from "../state/app";
import { formatDateTime } from "../units";
import { Dialog } from "./dialog";
import { Icon } from "./icon";

const MAX_TEXT_CHARS = 500;

export function MarkBox() {
  return markBoxOpen.value ? <Box /> : null;
}

function Box() {
  const text = useSignal("");
  const aboutOne = useSignal(service.peek() !== "");
  const problem = useSignal("");
  const sending = useSignal(false);
  // What is looked at, also when it moves on or is left meanwhile.
  const timeMs = useSignal(fixedTime.peek()?.toMs ?? null).value;
  const chosen = useSignal(service.peek()).value;
  const close = (): void => void (markBoxOpen.value = false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (sending.value) return;
    sending.value = true;
    problem.value = await setMark(text.value, timeMs, aboutOne.value ? chosen : "");
    sending.value = false;
    if (problem.value === "") close();
  };
  return (
    <Dialog title="Mark this moment" onClose={close}>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          What happened{" "}
          {timeMs === null ? "now" : `at ${formatDateTime(timeMs)}, the end of what is shown`}
          <input
            type="text"
            autoFocus
            required
            maxLength={MAX_TEXT_CHARS}
            placeholder="deploy 42"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
        {chosen !== "" && (
          <label class="check">
            <input
              type="checkbox"
              checked={aboutOne.value}
              onChange={(event) => (aboutOne.value = event.currentTarget.checked)}
            />
            about {chosen} only
          </label>
        )}
        {problem.value !== "" && (
          <p class="bad" role="alert">
            <Icon name="warn" /> {problem.value}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={sending.value}>
            Set mark
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** Sets a mark; null is now. Returns why that failed, empty when it did not. */
async function setMark(text: string, timeMs: number | null, about: string): Promise<string> {
  const body = {
    text,
    ...(timeMs === null ? {} : { time: new Date(timeMs).toISOString() }),
    ...(about === "" ? {} : { service_name: about }),
  };
  try {
    const answer = await fetch("/api/marks", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.ok ? "" : await problemOf(answer);
  } catch {
    return NO_ANSWER;
  }
}
