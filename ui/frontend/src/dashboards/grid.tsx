/** The panels of a dashboard on their grid, and their arrangement by mouse and keys. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { edit } from "./draft";
import { PanelEditor } from "./editor";
import { changed, columnsOf, moved, rowsOf, titleOf } from "./model";
import type { Item } from "./model";
import { PanelView } from "./panel";
import { PanelTools, handleId } from "./tools";
import type { Editing } from "./tools";

/** `before`: the place that a dragged panel would get. */
interface Drop {
  item: Item;
  before: boolean;
}

export function Grid({ items, editable }: { items: Item[]; editable: boolean }) {
  const dragged = useSignal<Item | null>(null);
  const drop = useSignal<Drop | null>(null);
  const opened = useSignal<Item | null>(null);
  const said = useSignal("");
  const lastMoved = useRef<Item | null>(null);
  useLayoutEffect(() => {
    // A browser takes the focus from what is put elsewhere.
    if (lastMoved.current) document.getElementById(handleId(lastMoved.current))?.focus();
    lastMoved.current = null;
  }, [items]);

  const editing: Editing = {
    move: (item, by) => {
      const place = Math.max(0, Math.min(items.length - 1, items.indexOf(item) + by));
      lastMoved.current = item;
      edit({ items: moved(items, item.key, place) });
      said.value = `${titleOf(item.panel)}: place ${place + 1} of ${items.length}`;
    },
    change: (item, panel) => {
      edit({ items: changed(items, item.key, panel) });
      said.value = `${titleOf(panel)}: ${columnsOf(panel)} wide, ${rowsOf(panel)} high`;
    },
    remove: (item) => {
      edit({ items: items.filter((other) => other !== item) });
      said.value = `${titleOf(item.panel)} removed`;
    },
    open: (item) => (opened.value = item),
    drag: (item) => {
      dragged.value = item;
      if (!item) drop.value = null;
    },
  };

  const dragOver = (event: DragEvent, item: Item): void => {
    if (!dragged.peek()) return;
    event.preventDefault();
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const before = event.clientX < left + width / 2;
    const { item: last, before: lastBefore } = drop.peek() ?? {};
    if (last !== item || lastBefore !== before) drop.value = { item, before };
  };

  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    const [item, target] = [dragged.peek(), drop.peek()];
    editing.drag(null);
    if (!item || !target || target.item === item) return;
    const rest = items.filter((other) => other !== item);
    const place = rest.indexOf(target.item) + (target.before ? 0 : 1);
    editing.move(item, place - items.indexOf(item));
  };

  return (
    <>
      <div class={editable ? "board editing" : "board"}>
        {items.map((item) => (
          <div
            key={item.key}
            class={cellClass(item, dragged.value, drop.value)}
            onDragOver={(event) => dragOver(event, item)}
            onDrop={dropped}
          >
            <PanelView
              panel={item.panel}
              tools={editable && <PanelTools item={item} editing={editing} />}
            />
          </div>
        ))}
      </div>
      <p class="unseen" role="status">
        {said.value}
      </p>
      {opened.value && (
        <PanelEditor
          panel={opened.value.panel}
          onClose={() => (opened.value = null)}
          onDone={(panel) => {
            if (opened.value) editing.change(opened.value, panel);
            opened.value = null;
          }}
        />
      )}
    </>
  );
}

function cellClass(item: Item, dragged: Item | null, drop: Drop | null): string {
  const words = ["cell", `columns-${columnsOf(item.panel)}`, `rows-${rowsOf(item.panel)}`];
  if (item === dragged) words.push("dragged");
  else if (dragged && drop?.item === item) words.push(drop.before ? "drop-before" : "drop-after");
  return words.join(" ");
}
