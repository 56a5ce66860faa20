/** Whether an element is on the screen, or about to be: what nobody sees need not be painted. */

/** So far outside it counts as seen, so that scrolling shows no old picture. */
const MARGIN = "200px";

export class Seen {
  /** True until the browser says otherwise. */
  now = true;
  private readonly observer: IntersectionObserver;

  /** `onSeen`: it was not on the screen, and is now. */
  constructor(element: Element, onSeen: () => void) {
    this.observer = new IntersectionObserver(
      (entries) => {
        const before = this.now;
        this.now = entries.at(-1)?.isIntersecting ?? true;
        if (this.now && !before) onSeen();
      },
      { rootMargin: MARGIN },
    );
    this.observer.observe(element);
  }

  stop(): void {
    this.observer.disconnect();
  }
}
