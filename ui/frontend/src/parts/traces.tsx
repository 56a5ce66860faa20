/** The traces around a point of a chart, in a panel at the side. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { resolveColour, serviceColours } from "../palette";
import { traces as query } from "../state/app";
import { closeTraces } from "../state/traces";
import { fetchTrace, fetchTraces, outline } from "../traces/answer";
import type { OutlinedSpan, Trace, TraceSummary } from "../traces/answer";
import { format, formatCount, formatTime } from "../units";
import { Icon } from "./icon";

/** More bars than these belong on a page of their own. */
const MOST_SPANS = 200;
const INDENT_PX = 10;
const DEEPEST_INDENT = 12;
const NS_PER_MS = 1e6;

export function TracesPanel() {
  if (query.value === "") return null;
  const id = new URLSearchParams(query.value).get("trace_id");
  if (id !== null) return <OneTrace key={id} id={id} />;
  return <Panel key={query.value} search={query.value} />;
}

function OneTrace({ id }: { id: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <aside class="traces" aria-label="Trace">
      <header>
        <h2 ref={heading} tabIndex={-1}>
          Trace
        </h2>
        <button title="Close (Esc)" aria-label="Close trace" onClick={closeTraces}>
          <Icon name="close" />
        </button>
      </header>
      <Spans id={id} />
    </aside>
  );
}

function Panel({ search }: { search: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const again = useSignal(0);
  const answer = useAnswer((stop) => fetchTraces(search, stop), again.value);
  useEffect(() => heading.current?.focus(), []);
  const { found, problem } = answer.value;
  return (
    <aside class="traces" aria-label="Traces">
      <header>
        <h2 ref={heading} tabIndex={-1}>
          Traces
        </h2>
        <button title="Close (Esc)" aria-label="Close traces" onClick={closeTraces}>
          <Icon name="close" />
        </button>
        <p class="quiet">{inWords(search)}</p>
      </header>
      {problem !== "" && (
        <p class="bad" role="alert">
          <Icon name="warn" /> {problem}
        </p>
      )}
      {!found && problem === "" && <p class="quiet">loading</p>}
      {found?.traces.length === 0 && (
        <p class="quiet">No trace began here. The newest second may still be on its way.</p>
      )}
      {(problem !== "" || found?.traces.length === 0) && (
        <button onClick={() => (again.value += 1)}>Look again</button>
      )}
      <ol>
        {found?.traces.map((trace) => <TraceRow key={trace.trace_id} trace={trace} />)}
      </ol>
      {found?.truncated && <p class="quiet">There are more: these are the slowest.</p>}
    </aside>
  );
}

/** What was asked for, to read. */
function inWords(search: string): string {
  const asked = new URLSearchParams(search);
  const timeOf = (name: string): string => formatTime(Number(asked.get(name)));
  const durationOf = (name: string): string => format("ms", Number(asked.get(name)));
  const parts = [`began ${timeOf("from_ms")} \u2013 ${timeOf("to_ms")}`];
  for (const name of ["service", "operation"]) if (asked.has(name)) parts.push(asked.get(name)!);
  if (asked.has("status")) parts.push(`with status ${asked.get("status")}`);
  if (asked.has("min_duration_ms")) {
    const most = asked.has("max_duration_ms") ? durationOf("max_duration_ms") : "more";
    parts.push(`with a span of ${durationOf("min_duration_ms")} to ${most}`);
  }
  return `${parts.join(", ")}; slowest first`;
}

function TraceRow({ trace }: { trace: TraceSummary }) {
  const open = useSignal(false);
  const { trace_id, root_service, root_name, has_root, duration_ms, spans, errors } = trace;
  return (
    <li>
      <button aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        <Swatch service={root_service} />
        <span class="name" title={`${root_service}: ${root_name}`}>
          {root_name || "(no name)"} <small>{has_root ? root_service : `${root_service}, root missing`}</small>
        </span>
        {errors > 0 && (
          <span class="bad">
            <Icon name="warn" /> {formatCount(errors)} {errors === 1 ? "error" : "errors"}
          </span>
        )}
        <span class="quiet">{formatCount(spans)} {spans === 1 ? "span" : "spans"}</span>
        <b>{format("ms", duration_ms)}</b>
      </button>
      {open.value && <Spans id={trace_id} startMs={trace.start_time_ms} />}
    </li>
  );
}

function Spans({ id, startMs }: { id: string; startMs?: number }) {
  const { found, problem } = useAnswer((stop) => fetchTrace(id, stop), id).value;
  const spans = useMemo(() => outline(found?.spans ?? []), [found]);
  return (
    <div class="spans">
      <p class="quiet">
        <code>{id}</code> {startMs !== undefined && formatTime(startMs)}{" "}
        <a href={`/api/traces/${encodeURIComponent(id)}?format=otlp`} download={`${id}.json`}>
          OTLP JSON
        </a>
      </p>
      {problem !== "" && <p class="bad">{problem}</p>}
      {!found && problem === "" && <p class="quiet">loading</p>}
      <ol>
        {found && spans.slice(0, MOST_SPANS).map((one, index) => (
          <SpanRow key={index} one={one} trace={found} />
        ))}
      </ol>
      {spans.length > MOST_SPANS && (
        <p class="quiet">and {formatCount(spans.length - MOST_SPANS)} more spans</p>
      )}
    </div>
  );
}

function SpanRow({ one: { span, depth }, trace }: { one: OutlinedSpan; trace: Trace }) {
  const length = Math.max(1, trace.duration_ns);
  const bar = {
    left: `${(100 * span.offset_ns) / length}%`,
    width: `${(100 * span.duration_ns) / length}%`,
    background: resolveColour(serviceColours.of(span.service)),
  };
  const failed = span.status_code === "error";
  return (
    <li>
      <span
        class={failed ? "name bad" : "name"}
        style={{ paddingLeft: `${INDENT_PX * Math.min(depth, DEEPEST_INDENT)}px` }}
        title={`${span.service}: ${span.name}`}
      >
        {failed && <Icon name="warn" />} {span.name} <small>{span.service}</small>
      </span>
      <span>{format("ms", span.duration_ns / NS_PER_MS)}</span>
      <i aria-hidden="true">
        <i style={bar} />
      </i>
    </li>
  );
}

function Swatch({ service }: { service: string }) {
  return <i class="swatch" style={{ background: resolveColour(serviceColours.of(service)) }} />;
}

interface Answer<T> {
  found: T | null;
  problem: string;
}

/** Asks once, and again for another `key`; what is no longer wanted is broken off. */
function useAnswer<T>(ask: (stop: AbortSignal) => Promise<T>, key: string | number) {
  const answer = useSignal<Answer<T>>({ found: null, problem: "" });
  useEffect(() => {
    const running = new AbortController();
    answer.value = { found: null, problem: "" };
    ask(running.signal).then(
      (found) => (answer.value = { found, problem: "" }),
      (error: Error) => {
        if (!running.signal.aborted) answer.value = { found: null, problem: error.message };
      },
    );
    return () => running.abort();
  }, [key]);
  return answer;
}
