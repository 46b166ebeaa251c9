import type { AgentView, Principal } from "@hawser/principal";
import { OTHER, type AgentSeries } from "./agent-series.js";

/** Where the state of agents is read when metrics are asked for. */
export type AgentSource = Pick<Principal, "agents">;

/** What all agents are like at one moment, as the labels have it. */
export interface AgentSnapshot {
  readonly pendingByAgent: ReadonlyMap<string, number>;
  readonly deadLettersByAgent: ReadonlyMap<string, number>;
  readonly sessions: readonly SessionCount[];
}

/** Sessions that are alike. */
export interface SessionCount {
  readonly transport: string;
  readonly port: "agents" | "internal";
  readonly count: number;
}

const PAGE = 1000;

/** Reads all agents, page by page, and adds up what has no series of its own. */
export async function snapshotAgents(
  source: AgentSource,
  series: AgentSeries,
  maxAgents: number,
): Promise<AgentSnapshot> {
  const pending = new Map<string, number>();
  const deadLetters = new Map<string, number>();
  const sessions = new Map<string, SessionCount>();
  let room = maxAgents - series.size;
  let after: string | undefined;
  for (;;) {
    const page = await source.agents({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const view of page) {
      const counted = series.has(view.name);
      const label = counted || (room > 0 && view.name !== OTHER) ? view.name : OTHER;
      if (!counted && label !== OTHER) room -= 1;
      add(pending, label, view.pending);
      add(deadLetters, label, view.deadLetters);
      if (view.session !== undefined) countSession(sessions, view.session);
    }
    after = page.at(-1)?.name;
    if (after === undefined || page.length < PAGE) break;
  }
  return { pendingByAgent: pending, deadLettersByAgent: deadLetters, sessions: [...sessions.values()] };
}

function countSession(
  sessions: Map<string, SessionCount>,
  { transport, internal }: NonNullable<AgentView["session"]>,
): void {
  const port = internal ? "internal" : "agents";
  const key = `${transport} ${port}`;
  sessions.set(key, { transport, port, count: (sessions.get(key)?.count ?? 0) + 1 });
}

function add(sums: Map<string, number>, label: string, value: number): void {
  sums.set(label, (sums.get(label) ?? 0) + value);
}
