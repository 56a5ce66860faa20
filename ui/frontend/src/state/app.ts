/** What the person chose: scalars in signals, kept in the address and the browser. */
import { batch, computed, effect, signal } from "@preact/signals";
import { formatState, parseState } from "./url";
import type { MetricChoice, PageState, Range, TimeSpan } from "./url";

const first = parseState(location.search);

export const page = signal(first.page);
/** Empty: all services. */
export const service = signal(first.service);
export const range = signal<Range>(first.range);
/** A fixed piece of time instead of the live end. */
export const fixedTime = signal<TimeSpan | null>(first.fixedTime);
export const metric = signal<MetricChoice>(first.metric);
/** The question behind the panel of traces; empty: it is closed. */
export const traces = signal(first.traces);
/** The id of the one that is shown; empty: the list of them. */
export const dashboard = signal(first.dashboard);
export const helpOpen = signal(false);
export const markBoxOpen = signal(false);

export const state = computed<PageState>(() => ({
  page: page.value,
  service: service.value,
  range: range.value,
  fixedTime: fixedTime.value,
  metric: metric.value,
  traces: traces.value,
  dashboard: dashboard.value,
}));

/** Browsers refuse an address that changes with every frame. */
const ADDRESS_AFTER_MS = 250;

/** Keeps the address and the signals the same; a new page is a new entry of the history. */
export function followAddress(): void {
  let shownPage = placeOf(state.peek());
  let timer = 0;
  effect(() => {
    const search = formatState(state.value);
    clearTimeout(timer);
    if (search === location.search) return;
    const address = location.pathname + search;
    if (placeOf(state.value) === shownPage) {
      timer = window.setTimeout(() => history.replaceState(null, "", address), ADDRESS_AFTER_MS);
    } else history.pushState(null, "", address);
    shownPage = placeOf(state.value);
  });
  window.addEventListener("popstate", () => {
    const next = parseState(location.search);
    shownPage = placeOf(next);
    batch(() => {
      page.value = next.page;
      service.value = next.service;
      range.value = next.range;
      fixedTime.value = next.fixedTime;
      metric.value = next.metric;
      traces.value = next.traces;
      dashboard.value = next.dashboard;
    });
  });
}

/** What one goes back to: a page, or one of several dashboards. */
function placeOf({ page: name, dashboard: id }: PageState): string {
  return name === "dashboards" ? `${name} ${id}` : name;
}
