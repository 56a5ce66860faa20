/** What the person chose: scalars in signals, kept in the address and the browser. */
import { batch, computed, effect, signal } from "@preact/signals";
import { formatState, parseState } from "./url";
import type { PageState, Range, Zoom } from "./url";

const first = parseState(location.search);

export const page = signal(first.page);
/** Empty: all services. */
export const service = signal(first.service);
export const range = signal<Range>(first.range);
/** A fixed piece of time instead of the live end. */
export const zoom = signal<Zoom | null>(first.zoom);
export const helpOpen = signal(false);

export const state = computed<PageState>(() => ({
  page: page.value,
  service: service.value,
  range: range.value,
  zoom: zoom.value,
}));

/** Keeps the address and the signals the same; a new page is a new entry of the history. */
export function followAddress(): void {
  let shownPage = page.peek();
  effect(() => {
    const search = formatState(state.value);
    if (search === location.search) return;
    const address = location.pathname + search;
    if (state.value.page === shownPage) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    shownPage = state.value.page;
  });
  window.addEventListener("popstate", () => {
    const next = parseState(location.search);
    shownPage = next.page;
    batch(() => {
      page.value = next.page;
      service.value = next.service;
      range.value = next.range;
      zoom.value = next.zoom;
    });
  });
}
