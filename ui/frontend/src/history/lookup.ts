/** Asks an address for what belongs to the time that is looked at, one request at a time. */

export class Lookup<Answer> {
  private wanted = "";
  private known = "";
  private running: AbortController | null = null;

  /** `onProblem` gets a text that says what to do, "" when it is over. */
  constructor(
    private readonly onAnswer: (answer: Answer) => void,
    private readonly onProblem: (text: string) => void,
  ) {}

  /** Gets this address next, unless it is what is known. What was wanted before is left out. */
  want(url: string): void {
    this.wanted = url;
    if (!this.running && url !== this.known) void this.ask(url);
  }

  /** Forgets what is known and under way. */
  drop(): void {
    this.running?.abort();
    this.running = null;
    this.wanted = this.known = "";
    this.onProblem("");
  }

  private async ask(url: string): Promise<void> {
    const running = new AbortController();
    this.running = running;
    let answer: Answer | null = null;
    let problem = "";
    try {
      answer = await getJson<Answer>(url, running.signal);
    } catch (error) {
      problem = (error as Error).message;
    }
    if (this.running !== running) return;
    this.running = null;
    this.known = url;
    if (answer !== null) this.onAnswer(answer);
    this.onProblem(problem);
    if (this.wanted !== url) void this.ask(this.wanted);
  }
}

export const NO_ANSWER = "The server does not answer. Try again when the page is live.";

/** The JSON of an address. Throws an Error that says what to do. */
export async function getJson<Answer>(url: string, stop: AbortSignal): Promise<Answer> {
  const answer = await fetch(url, { signal: stop }).catch(() => {
    throw new Error(NO_ANSWER);
  });
  if (answer.ok) return (await answer.json()) as Answer;
  throw new Error(await problemOf(answer));
}

/** Why a request failed, in words. */
export async function problemOf(answer: Response): Promise<string> {
  if (answer.status === 401) return "You are not signed in. Reload the page.";
  const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
  return [problem.title ?? `Status ${answer.status}`, problem.detail].filter(Boolean).join(": ");
}
