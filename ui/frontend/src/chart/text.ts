/** Texts that change while one looks. */

/**
 * Makes `text` the only content of an element. A text node that is there is kept: a new one would
 * cost a calculation of styles, too.
 */
export function writeText(element: Element, text: string): void {
  const node = element.firstChild;
  if (node instanceof Text) {
    if (node.data !== text) node.data = text;
  } else if (text !== "") element.textContent = text;
}
