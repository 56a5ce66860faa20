/** Long names differ at their ends: where there is no room, the middle gives way. */

const TAIL_CHARACTERS = 10;

/** The parts of a name; the style sheet clips the first one. */
export function clippedParts(name: string): [HTMLElement, string] {
  const head = document.createElement("span");
  const cut = Math.max(0, name.length - TAIL_CHARACTERS);
  head.textContent = name.slice(0, cut);
  return [head, name.slice(cut)];
}
