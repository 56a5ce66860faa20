/** What a chart reads: the live ring of a selection or, further back in time, its history. */
import type { Watch } from "../live/feed";
import { WINDOW_MS } from "../live/protocol";
import type { Selection } from "../live/protocol";
import type { PanelRing } from "../live/ring";
import type { TimeSpan } from "../state/url";
import type { HistoryLoader } from "./loader";

export class Panel {
  private selection: Selection | null = null;
  private past = false;

  constructor(
    private readonly watch: Watch,
    private readonly history: HistoryLoader,
  ) {}

  get ring(): PanelRing {
    return (this.past && this.history.ring) || this.watch.ring;
  }

  /** Shows this selection from now on, with so many windows of live history. */
  select(selection: Selection, windows: number): void {
    this.selection = selection;
    this.watch.select(selection, windows);
  }

  /**
   * Chooses between live and past for the time that is shown; null: the live end.
   * `oldestWindow`: where the server's ring begins. Returns whether the ring is another one.
   */
  follow(shown: TimeSpan | null, oldestWindow: number): boolean {
    const before = this.ring;
    this.past = shown !== null && shown.fromMs < oldestWindow * WINDOW_MS;
    if (this.past && this.selection && shown) this.history.want(this.selection, shown);
    else if (this.history.ring) this.history.drop();
    return this.ring !== before;
  }

  close(): void {
    this.history.drop();
    this.watch.close();
  }
}
