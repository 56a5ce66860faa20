/** The connection's state in words, with an icon and a tone; never colour alone. */
import type { TransportKind } from "../live/backoff";
import type { Phase } from "../live/connection";
import type { IconName } from "./icon";

export interface StatusText {
  icon: IconName;
  text: string;
  tone: "good" | "wait" | "bad";
}

export function describe(
  phase: Phase,
  /** What is shown instead of the live end; empty: nothing. */
  travel: string,
  notice: string,
  kind: TransportKind,
): StatusText {
  switch (phase) {
    case "connecting":
      return { icon: "wait", text: "connecting", tone: "wait" };
    case "reconnecting":
      return { icon: "wait", text: "reconnecting", tone: "wait" };
    case "collector_down":
      return { icon: "warn", text: "collector down", tone: "bad" };
    case "lagging":
      return { icon: "warn", text: "lagging, reduced rate", tone: "wait" };
    case "live":
      if (travel !== "") return { icon: "pause", text: travel, tone: "wait" };
      if (notice !== "") return { icon: "live", text: notice, tone: "good" };
      return { icon: "live", text: kind === "events" ? "live, over HTTP" : "live", tone: "good" };
  }
}
