import { checkAgentName } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import type { MailboxStats, Store } from "@hawser/store";
import type { Page } from "../all-of.js";
import { SELF_AGENT } from "../self-login.js";
import type { AgentView } from "../views.js";
import { agentView } from "./agent-view.js";
import type { SessionRegistry } from "./session-registry.js";

export interface AgentDirectoryOptions {
  readonly store: Store;
  readonly sessions: Pick<SessionRegistry, "names" | "presence">;
  readonly clock: Clock;
}

/** Who is known here: by a session, or by a mailbox. */
export class AgentDirectory {
  readonly #options: AgentDirectoryOptions;

  constructor(options: AgentDirectoryOptions) {
    this.#options = options;
  }

  /** In order of name. */
  async page(page: Page): Promise<readonly AgentView[]> {
    const { store, sessions } = this.#options;
    const stored = await storedAgents(store, page);
    const rows = new Map<string, MailboxStats | undefined>(stored.map((stats) => [stats.peer, stats]));
    // An agent whose mailbox could not be listed yet is known by its session alone.
    const last = stored.length === page.limit ? stored.at(-1)?.peer : undefined;
    for (const name of sessions.names()) {
      const isBefore = page.after !== undefined && name <= page.after;
      const isBehind = last !== undefined && name > last;
      if (!rows.has(name) && name !== SELF_AGENT && !isBefore && !isBehind) rows.set(name, undefined);
    }
    const names = [...rows.keys()].sort().slice(0, page.limit);
    return names.map((name) => this.#view(name, rows.get(name)));
  }

  async named(name: string): Promise<AgentView | undefined> {
    checkAgentName(name);
    const stats = await this.#options.store.stats(name);
    if (stats === undefined && this.#options.sessions.presence(name) === undefined) return undefined;
    return this.#view(name, stats);
  }

  #view(name: string, stats: MailboxStats | undefined): AgentView {
    const { sessions, clock } = this.#options;
    return agentView(name, stats, sessions.presence(name), clock);
  }
}

/** The principal itself is no agent: another one takes its place. */
async function storedAgents(store: Store, { after, limit }: Page): Promise<readonly MailboxStats[]> {
  const all = await store.peers(after === undefined ? { limit } : { after, limit });
  const agents = all.filter(({ peer }) => peer !== SELF_AGENT);
  const last = all.at(-1);
  if (agents.length === all.length || all.length < limit || last === undefined) return agents;
  return [...agents, ...(await store.peers({ after: last.peer, limit: 1 }))];
}
