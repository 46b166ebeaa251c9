import { HawserError } from "@hawser/protocol";
import type { Timers } from "@hawser/runtime";
import type { Receiver } from "@hawser/link";
import type { KnownAgents } from "./known-agents.js";

/** How long a removal waits for handlers that run for its agent. */
const APPLYING_GRACE_MS = 10_000;

/** Agents that are not let in for now, because something is done that no session of theirs may get in the way of. */
export class BarredAgents {
  readonly #agents: KnownAgents;
  readonly #timers: Timers;
  /** How often at once. */
  readonly #barred = new Map<string, number>();

  constructor(agents: KnownAgents, timers: Timers) {
    this.#agents = agents;
    this.#timers = timers;
  }

  has(agent: string): boolean {
    return this.#barred.has(agent);
  }

  /**
   * Ends all connections of an agent, and lets none in before `work` is through; then nothing is remembered of it. Work begins when nothing
   * of the agent is applied any more, because what a handler leaves behind would otherwise come after it.
   *
   * @throws HawserError `conflict` when handlers take longer than that; whatever `work` throws, and then the agent is remembered
   */
  async during<T>(agent: string, work: () => Promise<T>): Promise<T> {
    this.#barred.set(agent, (this.#barred.get(agent) ?? 0) + 1);
    try {
      const presence = this.#agents.get(agent);
      await presence?.letGo(new HawserError("aborted", "this agent was removed", { agent }));
      await this.#applied(agent, presence?.receiver);
      const result = await work();
      this.#agents.forget(agent);
      return result;
    } finally {
      const left = (this.#barred.get(agent) ?? 0) - 1;
      if (left > 0) this.#barred.set(agent, left);
      else this.#barred.delete(agent);
    }
  }

  #applied(agent: string, receiver: Receiver | undefined): Promise<void> {
    if (receiver === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const grace = this.#timers.after(APPLYING_GRACE_MS, () => {
        const what = `${receiver.applying} events of agent ${agent} are still being applied here`;
        reject(new HawserError("conflict", `${what}; remove it when they are`, { agent }));
      });
      void receiver.idle().then(() => {
        grace.cancel();
        resolve();
      });
    });
  }
}
