/** Says on every page that what is shown is a snapshot. */
import { fixedTime } from "../state/app";
import { snapshot } from "../state/snapshot";
import { show } from "../state/travel";
import { formatDateTime } from "../units";
import { Icon } from "./icon";

export function SnapshotBanner() {
  if (!snapshot) return null;
  const { name, span } = snapshot;
  const shown = fixedTime.value;
  const whole = shown?.fromMs === span.fromMs && shown.toMs === span.toMs;
  return (
    <aside class="banner" aria-label="Snapshot">
      <Icon name="box" />
      <span>
        Snapshot <b>{name}</b>
      </span>
      <span class="when">
        {formatDateTime(span.fromMs)} {"\u2013"} {formatDateTime(span.toMs)}
      </span>
      <span class="quiet">read-only, nothing arrives here</span>
      <button disabled={whole} onClick={() => show(span)}>
        Show all of it
      </button>
    </aside>
  );
}
