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
export const helpOpen = signal(false);

export const state = computed<PageState>(() => ({
  page: page.value,
  service: service.value,
  range: range.value,
  fixedTime: fixedTime.value,
  metric: metric.value,
  traces: traces.value,
}));

/** Browsers refuse an address that changes with every frame. */
const ADDRESS_AFTER_MS = 250;

/** Keeps the address and the signals the same; a new page is a new entry of the history. */
export function followAddress(): void {
  let shownPage = page.peek();
  let timer = 0;
  effect(() => {
    const search = formatState(state.value);
    clearTimeout(timer);
    if (search === location.search) return;
    const address = location.pathname + search;
    if (state.value.page === shownPage) {
      timer = window.setTimeout(() => history.replaceState(null, "", address), ADDRESS_AFTER_MS);
    } else history.pushState(null, "", address);
    shownPage = state.value.page;
  });
  window.addEventListener("popstate", () => {
    const next = parseState(location.search);
    shownPage = next.page;
    batch(() => {
      page.value = next.page;
      service.value = next.service;
      range.value = next.range;
      fixedTime.value = next.fixedTime;
      metric.value = next.metric;
      traces.value = next.traces;
    });
  });
}
