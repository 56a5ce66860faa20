/** The keys, in a dialog. */
import { useEffect, useRef } from "preact/hooks";
import { PAGES, pageOf } from "../pages/registry";
import { helpOpen, page } from "../state/app";

const KEYS: [string, string][] = [
  ["Space", "pause, go on"],
  ["[  ]", "back and forward in time"],
  ["{  }", "the same, in great steps"],
  ["p", "play the past"],
  ["m", "mark this moment on all charts"],
  ["1  5  0", "range of 1, 5 or 10 minutes"],
  ["f", "type from and to"],
  ["Esc", "back to now"],
  ["t", "next theme"],
  ["?", "these keys"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const finds = pageOf(page.value)?.finds;
  const search: [string, string] = ["/", finds ? `find ${finds}` : "choose a service"];
  const pages = PAGES.map(({ key, title }): [string, string] => [`g ${key}`, `go to ${title}`]);
  return (
    <dialog ref={dialog} aria-label="Keys" onClose={() => (helpOpen.value = false)}>
      <h2>Keys</h2>
      <dl>
        {[search, ...KEYS, ...pages].map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">Drag over a chart to zoom, double-click to go back to live.</p>
      <button onClick={() => (helpOpen.value = false)}>Close</button>
    </dialog>
  );
}
