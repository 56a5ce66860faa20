/** Small drawings of one stroke, in the colour of the text. */

const PATHS = {
  box: "M2.5 5 8 2l5.5 3v6L8 14l-5.5-3ZM2.5 5 8 8l5.5-3M8 8v6",
  live: "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM3.8 3.8a6 6 0 0 0 0 8.4M12.2 3.8a6 6 0 0 1 0 8.4",
  wait: "M8 2v3M8 11v3M2 8h3M11 8h3M3.8 3.8l2 2M10.2 10.2l2 2M12.2 3.8l-2 2M5.8 10.2l-2 2",
  warn: "M8 2.5 14.5 13.5H1.5ZM8 6.5v3.5M8 11.8v.2",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M5 3l8 5-8 5Z",
  theme: "M8 2a6 6 0 1 0 0 12ZM8 2a6 6 0 0 1 0 12",
  check: "M3 8.5l3.5 3.5L13 4.5",
  back: "M11 3 6 8l5 5M4 3v10",
  forward: "M5 3l5 5-5 5M12 3v10",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  flag: "M4 14.5V2M4 2.5h8.5l-2 3 2 3H4",
  fail: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4",
  bolt: "M9 1.5 3.5 9H8l-1 5.5L12.5 7H8Z",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 4.8V8l2.2 1.8",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z",
  left: "M10 3 5 8l5 5",
  pin: "M6 2h4M6.5 2v4L4.5 9h7L9.5 6V2M8 9v5",
  edit: "M3 13l.6-2.8L10.9 3l2.1 2.1-7.2 7.3ZM9.5 4.4l2.1 2.1",
  move: "M6 3.5v.1M10 3.5v.1M6 8v.1M10 8v.1M6 12.5v.1M10 12.5v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
