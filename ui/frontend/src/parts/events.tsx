/** What went wrong last, and what was marked: it stands still while somebody reads it. */
import { useComputed, useSignal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Lookup } from "../history/lookup";
import type { EventStream, StreamEvent } from "../live/protocol";
import { serviceColours } from "../palette";
import { fixedTime, markBoxOpen, service } from "../state/app";
import { subjectOf } from "../state/marks";
import { openTrace } from "../state/traces";
import type { TimeSpan } from "../state/url";
import { snapshot } from "../state/snapshot";
import { formatCount, formatDateTime, formatTime } from "../units";
import { useFeed } from "./context";
import { Icon } from "./icon";
import type { IconName } from "./icon";

const MOST_EVENTS = 100;
const STEP_MS = 1_000;

const KINDS: Record<StreamEvent["kind"], [IconName, string]> = {
  error: ["fail", "failed"],
  exception: ["bolt", "exception"],
  log: ["warn", ""],
  mark: ["flag", "mark"],
};

export function Events() {
  const newest = useNewest();
  const hovered = useSignal(false);
  const scrolled = useSignal(false);
  const shown = useSignal<StreamEvent[]>([]);
  const held = (hovered.value || scrolled.value) && shown.value.length > 0 && !fixedTime.value;
  const { events, problem } = newest.value;
  // What is held is of another service: nobody reads it any more.
  useEffect(() => void (shown.value = []), [service.value]);
  useEffect(() => {
    if (!held) shown.value = events;
  }, [held, events]);
  const missed = held ? countNew(shown.value, events) : 0;
  return (
    <section class="block events" aria-label="Events">
      <div class="events-head">
        <h2>Events</h2>
        <small class="quiet" role="status">
          {held && `held while you read${missed > 0 ? `, ${missed} new` : ""}`}
        </small>
        {!snapshot && (
          <button title="m" onClick={() => (markBoxOpen.value = true)}>
            <Icon name="flag" /> Mark
          </button>
        )}
      </div>
      {problem !== "" && (
        <p class="bad" role="alert">
          <Icon name="warn" /> {problem}
        </p>
      )}
      <ol
        tabIndex={0}
        aria-label="Events, newest first"
        onMouseEnter={() => (hovered.value = true)}
        onMouseLeave={() => (hovered.value = false)}
        onScroll={(event) => (scrolled.value = event.currentTarget.scrollTop > 0)}
      >
        {shown.value.map((event) => (
          <Row key={event.id} event={event} />
        ))}
        {shown.value.length === 0 && problem === "" && (
          <li class="quiet">Nothing failed, warned or was marked in this time.</li>
        )}
      </ol>
    </section>
  );
}

function Row({ event }: { event: StreamEvent }) {
  const { kind, severity, name, text, count, omitted, trace_id } = event;
  const [icon, word] = KINDS[kind];
  const subject = kind === "mark" ? subjectOf(event.service) : event.service;
  const what = [name, text].filter(Boolean).join(": ") || "(no text)";
  return (
    <>
      <li class={toneOf(event)} style={{ "--swatch": `var(${serviceColours.of(event.service)})` }}>
        <time title={formatDateTime(event.time_ms)}>{formatTime(event.time_ms)}</time>
        <span class="kind">
          <Icon name={icon} /> {word || severity}
        </span>
        <span class="service" title={subject}>
          {subject}
        </span>
        <span class="what" title={what}>
          {what}
        </span>
        <span class="count" title={count > 1 ? `${formatCount(count)} alike in this second` : ""}>
          {count > 1 && `\u00d7${formatCount(count)}`}
        </span>
        {trace_id === null ? <span /> : <TraceLink id={trace_id} />}
      </li>
      {omitted > 0 && (
        <li class="quiet more">
          + {formatCount(omitted)} more of {event.service} in this second
        </li>
      )}
    </>
  );
}

function TraceLink({ id }: { id: string }) {
  return (
    <a
      href={`/api/traces/${encodeURIComponent(id)}`}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        openTrace(id, event.currentTarget);
      }}
    >
      trace
    </a>
  );
}

/** The colour that the icon and the word beside it have; they say the same without it. */
function toneOf({ kind, severity }: StreamEvent): string {
  if (kind === "mark") return "mark";
  return severity === "warn" ? "wait" : "bad";
}

function countNew(shown: StreamEvent[], events: StreamEvent[]): number {
  const known = new Set(shown.map(({ id }) => id));
  return events.filter(({ id }) => !known.has(id)).length;
}

/** The newest events of the chosen service: of now, or of the time that is looked at. */
function useNewest(): ReadonlySignal<Pick<EventStream, "events" | "problem">> {
  const { connection } = useFeed();
  const past = useSignal<StreamEvent[]>([]);
  const problem = useSignal("");
  const lookup = useMemo(
    () =>
      new Lookup<EventStream>(
        ({ events }) => (past.value = events),
        (text) => (problem.value = text),
      ),
    [],
  );
  const of = service.value;
  const span = fixedTime.value;
  useEffect(() => {
    connection.stream(of === "" ? null : of);
    return () => connection.stream(undefined);
  }, [connection, of]);
  useEffect(() => {
    if (span) lookup.want(eventsUrl(span, of));
    else lookup.drop();
  }, [span, of]);
  useEffect(() => () => lookup.drop(), []);
  return useComputed(() =>
    fixedTime.value
      ? { events: past.value, problem: problem.value }
      : (connection.events.value ?? NOTHING_YET),
  );
}

const NOTHING_YET = { events: [], problem: "" };

/** In whole seconds: what plays asks no more often. */
export function eventsUrl({ fromMs, toMs }: TimeSpan, of: string): string {
  const query = new URLSearchParams({
    from_ms: String(Math.floor(fromMs / STEP_MS) * STEP_MS),
    to_ms: String(Math.ceil(toMs / STEP_MS) * STEP_MS),
    limit: String(MOST_EVENTS),
  });
  if (of !== "") query.set("service", of);
  return `/api/events?${query}`;
}
