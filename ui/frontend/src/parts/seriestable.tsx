/** A table of series on the page: its frame, its name, and the imperative table inside. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { SeriesTable as Table } from "../chart/seriestable";
import { NUMBERS_SPAN } from "../chart/numbers";
import type { SeriesTableSpec } from "../chart/seriestable";
import { viewOf } from "../chart/view";
import { fixedTime, range } from "../state/app";
import { themeVersion } from "../state/theme";
import { useFeed } from "./context";
import { Empty } from "./empty";

export function SeriesTable({ spec }: { spec: SeriesTableSpec }) {
  const feed = useFeed();
  const id = useId();
  const table = useRef<HTMLTableElement>(null);
  const empty = useSignal(true);

  useEffect(() => {
    const element = table.current;
    if (!element) return undefined;
    const rows = new Table(
      element,
      spec,
      (isEmpty) => (empty.value = isEmpty),
      () => feed.request(),
    );
    const stop = feed.onPaint((endWindow) => {
      const fixed = fixedTime.peek();
      const view = viewOf(endWindow, range.peek(), fixed);
      rows.paint(endWindow, view, fixed !== null, themeVersion.peek());
    });
    return () => {
      stop();
      rows.destroy();
      element.replaceChildren();
    };
  }, [feed, spec]);

  return (
    <section class="block series" aria-labelledby={id}>
      <h2>
        <span id={id}>{spec.title}</span> <small>{NUMBERS_SPAN}</small>
      </h2>
      <div class="scroll" tabIndex={0} role="group" aria-labelledby={id}>
        <table class="data" ref={table} aria-labelledby={id} hidden={empty.value} />
      </div>
      {empty.value && <Empty text={spec.empty} />}
    </section>
  );
}
