/** System, dark or light. Charts read `themeVersion` to draw again in new colours. */
import { effect, signal } from "@preact/signals";

export const THEMES = ["system", "dark", "light"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "tenth.theme";

export const theme = signal<Theme>(stored());
export const themeVersion = signal(0);

export function followTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
    try {
      localStorage.setItem(KEY, theme.value);
    } catch {
      // A browser that keeps nothing still shows the theme until it is closed.
    }
    themeVersion.value = themeVersion.peek() + 1;
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    themeVersion.value += 1;
  });
}

function stored(): Theme {
  try {
    return THEMES.find((name) => name === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system";
  }
}
