/** Long names differ at their ends: where there is no room, the middle gives way. */

const TAIL_CHARACTERS = 10;
/** There is always room for so many. */
const SHORT_CHARACTERS = 20;

/** Puts a name into an element; the style sheet clips the first part of a long one. */
export function writeClipped(element: HTMLElement, name: string): void {
  element.title = name;
  const named = element instanceof HTMLButtonElement ? element : element.closest("th");
  named?.removeAttribute("aria-label");
  if (name.length <= SHORT_CHARACTERS) {
    element.replaceChildren(...breakable(name));
    return;
  }
  const head = document.createElement("span");
  head.append(...breakable(name.slice(0, -TAIL_CHARACTERS)));
  element.replaceChildren(head, ...breakable(name.slice(-TAIL_CHARACTERS)));
  // Screen readers would read two words.
  named?.setAttribute("aria-label", name);
}

/** Where names may wrap, they do so after a slash. */
function breakable(text: string): Node[] {
  const parts = text.split(/(?<=\/)/).map((part) => document.createTextNode(part));
  return parts.flatMap((part, index) => (index === 0 ? [part] : [document.createElement("wbr"), part]));
}
