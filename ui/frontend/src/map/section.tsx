/** The service map on the page: when it asks, and what stands around the picture. */
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { useFeed } from "../parts/context";
import { Icon } from "../parts/icon";
import { Seen } from "../parts/seen";
import { shownSpan } from "../player";
import { fixedTime, range } from "../state/app";
import { playing } from "../state/travel";
import { RANGES } from "../state/url";
import { format, formatDateTime } from "../units";
import { layoutOf } from "./layout";
import type { MapLayout } from "./layout";
import { omitted } from "./model";
import type { ServiceMap } from "./model";
import { MapPicture } from "./picture";
import { MapSource, getMap } from "./source";
import { CallsTable } from "./table";

const LOOK_EVERY_MS = 500;
const EMPTY = "No calls in this time. They appear here once spans of two services share a trace.";

export function ServiceMapSection() {
  const id = useId();
  const place = useRef<HTMLElement>(null);
  const problem = useSignal("");
  const map = useMap(place, (text) => (problem.value = text));
  const layout = useLayout(map, (text) => (problem.value = text));
  const empty = map?.nodes.length === 0;
  const left = map ? omitted(map) : "";
  return (
    <section class="block map" aria-labelledby={id} ref={place}>
      <h2>
        <span id={id}>Service map</span> <small>{shownTime()}</small>
      </h2>
      {problem.value !== "" && (
        <p class="bad" role="alert">
          <Icon name="warn" /> {problem.value}
        </p>
      )}
      {empty && <p class="quiet">{EMPTY}</p>}
      {!empty && !layout && problem.value === "" && <p class="quiet">loading</p>}
      {map && layout && !empty && (
        <>
          {left !== "" && <p class="quiet">Shown: {left}.</p>}
          <div class="scroll" tabIndex={0} role="group" aria-labelledby={id}>
            <MapPicture map={map} layout={layout} />
          </div>
          <CallsTable edges={map.edges} />
        </>
      )}
    </section>
  );
}

function shownTime(): string {
  const fixed = fixedTime.value;
  if (!fixed) return `last ${format("ms", RANGES[range.value])}`;
  return `${formatDateTime(fixed.fromMs)} \u2013 ${formatDateTime(fixed.toMs)}`;
}

/** The map of the time that is shown, while somebody can see it; null: it has not come yet. */
function useMap(
  place: { current: HTMLElement | null },
  onProblem: (text: string) => void,
): ServiceMap | null {
  const feed = useFeed();
  const map = useSignal<ServiceMap | null>(null);
  useEffect(() => {
    if (!place.current) return undefined;
    const onMap = (next: ServiceMap): unknown => (map.value = next);
    const source = new MapSource(getMap, onMap, onProblem, () => performance.now());
    const look = (): void => {
      if (!seen.now || document.hidden) return;
      // Before the first frame, time has no end yet.
      if (feed.endWindow > 0) {
        source.want(shownSpan(feed), fixedTime.peek() !== null && !playing.peek());
      }
    };
    const seen = new Seen(place.current, look);
    const timer = setInterval(look, LOOK_EVERY_MS);
    look();
    return () => {
      clearInterval(timer);
      seen.stop();
      source.stop();
    };
  }, [feed]);
  return map.value;
}

/** The layout of a topology; until a new one is there, the one before. */
function useLayout(map: ServiceMap | null, onProblem: (text: string) => void): MapLayout | null {
  const layout = useSignal<MapLayout | null>(null);
  useEffect(() => {
    if (!map || map.nodes.length === 0) return undefined;
    let wanted = true;
    import("@dagrejs/dagre").then(
      (dagre) => wanted && (layout.value = layoutOf(dagre, map)),
      () => onProblem("A part of the page is missing. Reload the page."),
    );
    return () => (wanted = false);
  }, [map?.topology]);
  return layout.value;
}
