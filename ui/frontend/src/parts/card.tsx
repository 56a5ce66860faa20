/** One number to see from afar, and how it came to be. */
import { useEffect, useRef } from "preact/hooks";
import { Sparkline } from "../chart/sparkline";
import type { Line } from "../chart/sample";
import { versionOf } from "../chart/spec";
import type { RingHolder } from "../chart/spec";
import { writeText } from "../chart/text";
import { viewOf } from "../chart/view";
import type { ColourName } from "../palette";
import { fixedTime, range } from "../state/app";
import { themeVersion } from "../state/theme";
import { formatParts } from "../units";
import type { Unit } from "../units";
import { useFeed } from "./context";

const NUMBER_EVERY_PAINTS = 5;

export interface CardSpec {
  label: string;
  /** What exactly the number is, for the tooltip. */
  meaning: string;
  unit: Unit;
  colour: ColourName;
  /** Its ring may be another one at every paint. */
  line: Line;
  /** Draws a one-second mean over the windows; not for percentiles. */
  average: boolean;
  /** The sparkline's upper end; absent: the greatest value shown. */
  top?: number;
  /** The number as of `endWindow`, NaN: unknown. */
  value(endWindow: number): number;
  /** What `value` reads, where that is not the line. */
  numbers?: RingHolder;
  /** From here on the number is marked as bad. */
  badFrom?: number;
}

export function Card({ spec }: { spec: CardSpec }) {
  const feed = useFeed();
  const canvas = useRef<HTMLCanvasElement>(null);
  const number = useRef<HTMLElement>(null);
  const unit = useRef<HTMLElement>(null);

  useEffect(() => {
    if (!canvas.current) return;
    let paints = 0;
    let painted = "";
    const sparkline = new Sparkline(canvas.current, spec.colour, () => {
      painted = "";
      feed.request();
    });
    const stop = feed.onPaint((endWindow) => {
      const view = viewOf(endWindow, range.peek(), fixedTime.peek());
      const data = `${versionOf(spec.line)} ${versionOf(spec.numbers ?? spec.line)}`;
      const picture = `${data} ${view.from} ${view.to} ${themeVersion.peek()}`;
      if (picture === painted) return;
      painted = picture;
      sparkline.paint(spec, view, endWindow, themeVersion.peek());
      if (paints % NUMBER_EVERY_PAINTS === 0 || fixedTime.peek()) {
        write(Math.min(view.to, endWindow));
      }
      paints += 1;
    });
    const write = (endWindow: number): void => {
      const value = spec.value(endWindow);
      const [text, suffix] = formatParts(spec.unit, value);
      if (number.current) writeText(number.current, text);
      if (unit.current) writeText(unit.current, suffix);
      number.current?.classList.toggle("bad", value >= (spec.badFrom ?? Infinity));
    };
    return () => {
      stop();
      sparkline.destroy();
    };
  }, [feed, spec]);

  return (
    <article class="card" title={spec.meaning}>
      <h2>{spec.label}</h2>
      <p>
        <b ref={number}>{"\u2013"}</b> <span ref={unit} />
      </p>
      <canvas ref={canvas} aria-hidden="true" />
    </article>
  );
}
