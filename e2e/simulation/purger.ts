import { HawserError } from "@hawser/protocol";
import { KIND, type AgentMachine } from "./agent-machine.js";
import type { Mailbox } from "./ledger.js";
import { chance, exponential, pick } from "./plan.js";
import type { ControlPlane } from "./principal-group.js";
import type { PrincipalProcess } from "./principal-machine.js";
import { NAMES } from "./publisher.js";
import { callOn, type World } from "./world.js";

const RETRY_MS = 200;

/** Throws away what is pending for one agent, now and then, all of it or what is about one resource; remembers what it was told of that. */
export class Purger {
  readonly #world: World;
  readonly #principal: ControlPlane;
  readonly #agent: AgentMachine;

  constructor(world: World, principal: ControlPlane, agent: AgentMachine) {
    this.#world = world;
    this.#principal = principal;
    this.#agent = agent;
  }

  /** Purges until everything heals. */
  async run(): Promise<void> {
    const { plan, virtual } = this.#world;
    // Of a source of its own, so that it shifts no other draw.
    const random = virtual.random(`purges of ${this.#agent.name}`);
    while (plan.meanPurgeMs !== undefined && !this.#world.isHealed) {
      await this.#world.sleep(exponential(random, plan.meanPurgeMs));
      const name = chance(random, 0.6) ? pick(random, NAMES) : undefined;
      const { process } = this.#principal;
      if (!this.#world.isHealed && process !== undefined) await this.#purge(process, name);
    }
  }

  async #purge({ principal, store, host }: PrincipalProcess, name: string | undefined): Promise<void> {
    const agent = this.#agent.name;
    const { ledger, findings } = this.#world;
    const mailbox = ledger.life("down", agent, store.id);
    const before = await callOn(host, () => store.stats(agent));
    if (before.kind !== "answer" || before.value === undefined) return;
    const resource = name === undefined ? {} : { resource: { kind: KIND, name } };
    const purge = mailbox.purges.begin(
      name === undefined ? undefined : `${KIND}/${name}`,
      before.value.lastVersion,
    );
    const answer = await callOn(host, () => principal.purgePending(agent, resource));
    if (answer.kind === "answer") {
      const { purged, inFlight, left } = answer.value;
      purge.answered(purged);
      findings.trace(
        "purger",
        `${agent} ${name ?? "all"}: ${purged} purged, ${inFlight} in flight, ${left} left`,
      );
      if (inFlight > purged)
        findings.violation("what is in flight is among what is purged", JSON.stringify(answer.value));
    } else {
      findings.trace(
        "purger",
        `${agent} ${name ?? "all"}: ${answer.kind === "error" ? String(answer.error) : "no answer"}`,
      );
      if (answer.kind === "error" && !isExpected(answer.error)) throw answer.error;
    }
    await this.#end(mailbox, purge.ended);
  }

  /** What is accepted from now on is not touched. */
  async #end(mailbox: Mailbox, ended: (upTo: number) => void): Promise<void> {
    for (;;) {
      const { process } = this.#principal;
      // A store that was lost, and what was purged in it, is not sent from any more.
      if (process !== undefined && process.store.id !== "" && process.store.id !== mailbox.store) return;
      const stats =
        process === undefined
          ? undefined
          : await callOn(process.host, () => process.store.stats(mailbox.agent));
      if (stats?.kind === "answer" && stats.value !== undefined) return ended(stats.value.lastVersion);
      await this.#world.sleep(RETRY_MS);
    }
  }
}

/** An outage; or the mailbox has gone since it was looked at, as one does in which nothing was ever kept. */
function isExpected(error: unknown): boolean {
  return error instanceof HawserError && /^(store_|overloaded|not_found)/.test(error.code);
}
