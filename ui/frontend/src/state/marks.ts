/** The marks that charts show: those that are told live, and those of the past that is looked at. */
import { computed, signal } from "@preact/signals";
import type { Mark } from "../live/protocol";
import { service } from "./app";

/** Marks of this service are about everything. */
const OWN_SERVICE = "tenth";

export const liveMarks = signal<Mark[]>([]);
export const pastMarks = signal<Mark[]>([]);

/** Oldest first, each once, of the chosen service and of none. */
export const shownMarks = computed<Mark[]>(() => {
  const chosen = service.value;
  const known = new Map<string, Mark>();
  for (const mark of [...pastMarks.value, ...liveMarks.value]) {
    if (isAbout(mark.service_name, chosen)) known.set(keyOf(mark), mark);
  }
  return [...known.values()].sort((a, b) => a.time_ms - b.time_ms);
});

let version = 0;
let counted: Mark[] | null = null;

/** A number that changes when charts must show other marks. */
export function marksVersion(): number {
  const marks = shownMarks.peek();
  if (marks !== counted) version += 1;
  counted = marks;
  return version;
}

export function keyOf(mark: Mark): string {
  return `${mark.time_unix_nano} ${mark.service_name} ${mark.text}`;
}

/** What a mark is about, in words. */
export function subjectOf(name: string): string {
  return isAboutEverything(name) ? "everything" : name;
}

export function isAboutEverything(name: string): boolean {
  return name === OWN_SERVICE || name === "";
}

function isAbout(name: string, chosen: string): boolean {
  return chosen === "" || name === chosen || isAboutEverything(name);
}
