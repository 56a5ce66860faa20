/** `/api/dashboards`: read, keep, delete, import. Errors say what to do. */
import { NO_ANSWER } from "../history/lookup";
import { idFor } from "./model";
import type { Dashboard, Summary } from "./model";

export interface Listing {
  dashboards: Summary[];
  truncated: boolean;
  error: string;
  writable: boolean;
}

/** A dashboard with the state of its file that it was read from. */
export interface Loaded {
  id: string;
  builtIn: boolean;
  etag: string;
  dashboard: Dashboard;
}

/** An answer that is not what was asked for. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Somebody else has changed, made or deleted it meanwhile. */
  get conflict(): boolean {
    return this.status === 412 || this.status === 404;
  }
}

const ADDRESS = "/api/dashboards";
const TRIES = 50;

export async function listDashboards(): Promise<Listing> {
  return (await (await ask(ADDRESS)).json()) as Listing;
}

export async function loadDashboard(id: string): Promise<Loaded> {
  const answer = await ask(addressOf(id));
  const { built_in, dashboard } = (await answer.json()) as {
    built_in: boolean;
    dashboard: Dashboard;
  };
  return { id, builtIn: built_in, etag: etagOf(answer), dashboard };
}

/** Replaces the state `etag` of a dashboard; null: whatever is there. The new state's etag. */
export async function saveDashboard(
  id: string,
  dashboard: Dashboard,
  etag: string | null,
): Promise<string> {
  const headers = { "Content-Type": "application/json", "If-Match": etag ?? "*" };
  const body = JSON.stringify(dashboard);
  return etagOf(await ask(addressOf(id), { method: "PUT", headers, body }));
}

/** Keeps a new dashboard under a free id made from its name; the id. */
export async function createDashboard(dashboard: Dashboard): Promise<string> {
  return create(dashboard.name, "application/json", JSON.stringify(dashboard));
}

/** Keeps a file's text under a free id made from its name; the id. */
export async function importDashboard(fileName: string, text: string): Promise<string> {
  const type = fileName.endsWith(".json") ? "application/json" : "application/toml";
  return create(fileName.replace(/\.[a-z]+$/i, ""), type, text);
}

export async function deleteDashboard(id: string, etag: string): Promise<void> {
  await ask(addressOf(id), { method: "DELETE", headers: { "If-Match": etag } });
}

export function exportAddress(id: string): string {
  return `${addressOf(id)}?format=toml`;
}

async function create(name: string, type: string, body: string): Promise<string> {
  const taken = (await listDashboards()).dashboards.map(({ id }) => id);
  const headers = { "Content-Type": type, "If-None-Match": "*" };
  for (let tries = 1; ; tries += 1) {
    const id = idFor(name, taken);
    try {
      await ask(addressOf(id), { method: "PUT", headers, body });
      return id;
    } catch (error) {
      // Somebody was quicker: the next name.
      if (!(error instanceof Refused) || error.status !== 412 || tries === TRIES) throw error;
      taken.push(id);
    }
  }
}

function addressOf(id: string): string {
  return `${ADDRESS}/${encodeURIComponent(id)}`;
}

function etagOf(answer: Response): string {
  return answer.headers.get("ETag") ?? "";
}

async function ask(address: string, options: RequestInit = {}): Promise<Response> {
  const answer = await fetch(address, options).catch(() => {
    throw new Refused(0, NO_ANSWER);
  });
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: string };
  const text = [problem.title, problem.detail].filter(Boolean).join(": ");
  throw new Refused(answer.status, text || `The server answered ${answer.status}.`);
}
