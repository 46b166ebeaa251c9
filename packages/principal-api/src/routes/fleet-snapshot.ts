import { type AgentView, allOf, type Page, type Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";

/** Agents read at a time, so that the event loop gets its turn in between. */
const READ_PAGE = 500;
/** Most agents that are put in order or summed up for one answer. */
const MAX_SNAPSHOT_AGENTS = 100_000;
/** How old a snapshot may be: many watchers then cost one walk through the store a second. */
const SNAPSHOT_MAX_AGE_MS = 1_000;

/** All agents as of one moment, shared by all requests of the same second. */
export class FleetSnapshot {
  readonly #principal: Pick<Principal, "agents">;
  readonly #clock: Clock;
  #agents: Promise<readonly AgentView[]> | undefined;
  #takenAtMs = 0;

  constructor(principal: Pick<Principal, "agents">, clock: Clock) {
    this.#principal = principal;
    this.#clock = clock;
  }

  /** In order of name. @throws HawserError `overloaded` above `MAX_SNAPSHOT_AGENTS` */
  agents(): Promise<readonly AgentView[]> {
    const now = this.#clock.now();
    if (this.#agents !== undefined && now - this.#takenAtMs < SNAPSHOT_MAX_AGE_MS) return this.#agents;
    this.#takenAtMs = now;
    const reading = this.#read();
    this.#agents = reading;
    reading.catch(() => {
      if (this.#agents === reading) this.#agents = undefined;
    });
    return reading;
  }

  async #read(): Promise<readonly AgentView[]> {
    const agents: AgentView[] = [];
    const paged = {
      read: (page: Page) => this.#principal.agents(page),
      keyOf: ({ name }: AgentView) => name,
    };
    for await (const view of allOf(paged, { pageSize: READ_PAGE })) {
      if (agents.length >= MAX_SNAPSHOT_AGENTS) {
        throw new HawserError(
          "overloaded",
          `more than ${MAX_SNAPSHOT_AGENTS} agents cannot be sorted or summed up; list them by name`,
        );
      }
      agents.push(view);
    }
    return agents;
  }
}
