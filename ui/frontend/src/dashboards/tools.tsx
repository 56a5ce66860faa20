/** What can be done with a panel while its dashboard is edited. */
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon";
import { STEPS, columnsOf, resized, rowsOf, titleOf } from "./model";
import type { Item } from "./model";

export interface Editing {
  /** Puts the item so many places further on, and says so. */
  move(item: Item, by: number): void;
  change(item: Item, panel: Item["panel"]): void;
  remove(item: Item): void;
  open(item: Item): void;
  drag(item: Item | null): void;
}

/** Where the keyboard goes on after a panel was moved. */
export function handleId({ key }: Item): string {
  return `move-panel-${key}`;
}

export function PanelTools({ item, editing }: { item: Item; editing: Editing }) {
  const { panel } = item;
  const title = titleOf(panel);
  const handle = useKeptFocus(item);
  return (
    <span class="tools" role="group" aria-label={`${title}: arrange`}>
      <button
        ref={handle}
        id={handleId(item)}
        class="tool handle"
        title="Drag to move. Arrows move it, Shift and arrows change its size."
        aria-label={`Move ${title}`}
        draggable
        onDragStart={(event) => startDrag(event, item, editing)}
        onDragEnd={() => editing.drag(null)}
        onKeyDown={(event) => onKey(event, item, editing)}
      >
        <Icon name="move" />
      </button>
      <button class="tool touch" aria-label={`${title}: earlier`} onClick={() => editing.move(item, -1)}>
        <Icon name="up" />
      </button>
      <button class="tool touch" aria-label={`${title}: later`} onClick={() => editing.move(item, 1)}>
        <Icon name="down" />
      </button>
      <Steps
        label={`Width of ${title}`}
        arrow={"\u2194"}
        value={columnsOf(panel)}
        onChange={(columns) => editing.change(item, { ...panel, columns })}
      />
      <Steps
        label={`Height of ${title}`}
        arrow={"\u2195"}
        value={rowsOf(panel)}
        onChange={(rows) => editing.change(item, { ...panel, rows })}
      />
      <button
        class="tool"
        title="Change"
        aria-label={`Change ${title}`}
        onClick={() => editing.open(item)}
      >
        <Icon name="edit" />
      </button>
      <button
        class="tool"
        title="Remove"
        aria-label={`Remove ${title}`}
        onClick={() => editing.remove(item)}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

/** Of the item whose handle had the focus when it went. */
let unfocused = 0;

/** A panel is built anew when what it shows is known: its handle keeps the focus. */
function useKeptFocus({ key }: Item) {
  const handle = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const element = handle.current;
    if (unfocused === key) {
      unfocused = 0;
      element?.focus();
    }
    return () => {
      if (element === document.activeElement) unfocused = key;
    };
  }, []);
  return handle;
}

interface StepsProps {
  label: string;
  /** Which way it stretches. */
  arrow: string;
  value: number;
  onChange(value: number): void;
}

function Steps({ label, arrow, value, onChange }: StepsProps) {
  return (
    <select
      class="tool"
      aria-label={label}
      title={label}
      value={String(value)}
      onChange={(event) => onChange(Number(event.currentTarget.value))}
    >
      {STEPS.map((step) => (
        <option key={step} value={String(step)}>
          {arrow} {step}
        </option>
      ))}
    </select>
  );
}

function startDrag(event: DragEvent, item: Item, editing: Editing): void {
  const cell = (event.currentTarget as HTMLElement).closest(".cell");
  if (event.dataTransfer && cell) {
    event.dataTransfer.effectAllowed = "move";
    // Without data some browsers do not drag.
    event.dataTransfer.setData("text/plain", titleOf(item.panel));
    event.dataTransfer.setDragImage(cell, 12, 12);
  }
  editing.drag(item);
}

const MOVES: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
const SIZES: Record<string, [columns: number, rows: number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function onKey(event: KeyboardEvent, item: Item, editing: Editing): void {
  const by = MOVES[event.key];
  const size = SIZES[event.key];
  if (by === undefined || !size) return;
  event.preventDefault();
  if (event.shiftKey) editing.change(item, resized(item.panel, ...size));
  else editing.move(item, by);
}
