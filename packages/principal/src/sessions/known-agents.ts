import type { Clock } from "@hawser/runtime";
import { AgentPresence } from "./agent-presence.js";

/** Agents remembered by name after their session ended; the longest gone is forgotten first. */
const MAX_REMEMBERED_AGENTS = 100_000;

/** The agents that have, or had, a session here. */
export class KnownAgents {
  readonly #agents = new Map<string, AgentPresence>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(name: string): AgentPresence | undefined {
    return this.#agents.get(name);
  }

  names(): Iterable<string> {
    return this.#agents.keys();
  }

  getOrAdd(name: string): AgentPresence {
    const known = this.#agents.get(name);
    if (known !== undefined) return known;
    this.#forgetOldest();
    const presence = new AgentPresence(name, this.#clock);
    this.#agents.set(name, presence);
    return presence;
  }

  forget(name: string): void {
    this.#agents.delete(name);
  }

  #forgetOldest(): void {
    if (this.#agents.size < MAX_REMEMBERED_AGENTS) return;
    for (const [name, presence] of this.#agents) {
      if (presence.live !== undefined || presence.receiver !== undefined) continue;
      this.#agents.delete(name);
      return;
    }
  }
}
