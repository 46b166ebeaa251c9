import type { Agent } from "@hawser/agent";
import type { EventDraft, HawserEvent } from "@hawser/protocol";
import type { AgentView, Principal } from "@hawser/principal";
import type { Random } from "@hawser/runtime";
import { adoptRolledBackStore, type MemoryDisk } from "@hawser/store";
import { KIND, type AgentMachine } from "./agent-machine.js";
import { below } from "./plan.js";
import type { PrincipalMachine } from "./principal-machine.js";
import {
  startAgent,
  startPrincipal,
  stopSides,
  type DiskOf,
  type Running,
  type Sides,
} from "./running-sides.js";
import type { World } from "./world.js";

/** Longer than everything but the wait of who was refused. */
const PLAY_MS = 60_000;
/** The wait of who was refused, and all else, with the timings a user gets. */
const CONVERGE_MS = 1_200_000;
const LOOK_MS = 250;
/** A connection is renewed within this. */
const RENEWED_MS = 2_000;
const MAX_EVENTS = 12;

type Machine = AgentMachine | PrincipalMachine;

/** What a machine held at some moment, and whose it was. */
export interface Backup {
  readonly machine: Machine;
  readonly disk: MemoryDisk;
}

/** What was accepted for an agent, or by it, and what came of it. */
interface Traffic {
  readonly promised: Set<string>;
  readonly seen: Set<string>;
}

/**
 * A machine is started on an older copy of its disk, after a run in which everything happened and everything converged. Whoever knows better refuses it by name, and
 * for everybody else nothing is lost; once it was adopted, all that was accepted meanwhile arrives.
 */
export class OlderCopyPlay {
  readonly #world: World;
  readonly #principal: PrincipalMachine;
  readonly #agents: readonly AgentMachine[];
  readonly #backup: Backup;
  readonly #random: Random;
  readonly #down = new Map<string, Traffic>();
  readonly #up = new Map<string, Traffic>();
  #count = 0;

  constructor(world: World, principal: PrincipalMachine, agents: readonly AgentMachine[], backup: Backup) {
    this.#world = world;
    this.#principal = principal;
    this.#agents = agents;
    this.#backup = backup;
    this.#random = world.virtual.random("older copy");
    for (const { name } of agents) {
      this.#down.set(name, { promised: new Set(), seen: new Set() });
      this.#up.set(name, { promised: new Set(), seen: new Set() });
    }
  }

  async run(): Promise<void> {
    const first = await this.#start();
    const present = this.#backup.machine.storeId;
    const restored =
      this.#backup.machine === this.#principal ? first.principal : first.agents.get(this.#nameOfVictim);
    // Its disk was lost since: then this is the copy of another store, with which everybody begins anew.
    const isItself = restored?.store.id === present;
    await this.#world.sleep(PLAY_MS);
    const refused = isItself ? await this.#checkFirst(first) : ["nobody: it is another store"];
    await this.#publish(first);
    await stopSides(first);
    this.#world.findings.trace(
      "world",
      `an older copy of ${this.#nameOfVictim}: refused ${refused.join(", ")}`,
    );
    await adoptRolledBackStore(this.#backup.disk.attach(), this.#random);
    const second = await this.#start();
    await this.#converge(second);
    await stopSides(second);
  }

  get #nameOfVictim(): string {
    const { machine } = this.#backup;
    return "name" in machine ? machine.name : "principal";
  }

  #diskOf(machine: Machine): DiskOf {
    return ({ runtime }) =>
      machine === this.#backup.machine ? this.#backup.disk.attach() : machine.disk.attach(runtime.timers);
  }

  async #start(): Promise<Sides> {
    const disk = this.#diskOf(this.#principal);
    const principal = await startPrincipal(this.#world, disk, (agent, { id }) =>
      this.#up.get(agent)?.seen.add(id),
    );
    const agents = new Map<string, Running<Agent>>();
    const running = { principal, agents };
    // What is accepted before the first agent is back takes the versions they have had.
    for (const { name } of this.#agents) await this.#publishTo(principal.side, name);
    for (const machine of this.#agents) {
      const { name } = machine;
      const seen = ({ id }: HawserEvent): void => void this.#down.get(name)?.seen.add(id);
      agents.set(name, await startAgent(this.#world, name, this.#diskOf(machine), seen));
    }
    await this.#publish(running);
    return running;
  }

  async #publish({ principal, agents }: Sides) {
    for (const [name, { store }] of agents) {
      await this.#publishTo(principal.side, name);
      for (let count = below(this.#random, MAX_EVENTS); count > 0; count -= 1) {
        const event = this.#command();
        const [appended] = await store.append([{ peer: "principal", event }]);
        if (appended?.ok === true) this.#up.get(name)?.promised.add(event.id);
      }
    }
  }

  async #publishTo(principal: Principal, name: string): Promise<void> {
    for (let count = below(this.#random, MAX_EVENTS); count > 0; count -= 1) {
      const event = this.#command();
      await principal.publish(name, event);
      this.#down.get(name)?.promised.add(event.id);
    }
    await principal.resources.put(name, KIND, "older", this.#count);
  }

  #command(): EventDraft {
    this.#count += 1;
    return {
      specversion: "1.0",
      id: `older-${this.#count}`,
      source: "test",
      type: "test.command",
      resourceid: `older${below(this.#random, 3)}_u1`,
    };
  }

  /** Answers who is refused. */
  async #checkFirst({ principal, agents }: Sides) {
    const refused: string[] = [];
    for (const [name, agent] of agents) if (await this.#isRefused(principal, agent, name)) refused.push(name);
    return refused;
  }

  /** Or everything is there; an agent that just renews its connection is looked at again. */
  async #isRefused(principal: Running<Principal>, agent: Running<Agent>, name: string): Promise<boolean> {
    const { virtual } = this.#world;
    const until = virtual.now() + RENEWED_MS;
    for (;;) {
      const view = await principal.side.agent(name);
      if (view?.state !== "connected" && view?.reason.includes("rolled back") === true) {
        if (this.#backup.machine !== this.#principal && name !== this.#nameOfVictim)
          this.#violation(`${name} is refused for the copy of ${this.#nameOfVictim}: ${view.reason}`);
        return true;
      }
      const missing = await this.#missing(principal, agent, name, view);
      if (missing.length === 0) return false;
      if (virtual.now() >= until) {
        this.#violation(`${name} is not refused, and ${missing.join("; ")}`);
        return false;
      }
      await this.#world.sleep(LOOK_MS);
    }
  }

  async #converge(second: Sides): Promise<void> {
    const { virtual } = this.#world;
    const until = virtual.now() + CONVERGE_MS;
    for (;;) {
      const missing: string[] = [];
      for (const [name, agent] of second.agents) {
        const view = await second.principal.side.agent(name);
        missing.push(...(await this.#missing(second.principal, agent, name, view)));
      }
      if (missing.length === 0) return;
      if (virtual.now() >= until) return this.#violation(`after adopt: ${missing.join("; ")}`);
      await this.#world.sleep(LOOK_MS);
    }
  }

  async #missing(
    principal: Running<Principal>,
    agent: Running<Agent>,
    name: string,
    view: AgentView | undefined,
  ): Promise<readonly string[]> {
    if (view?.state !== "connected") return [`${name} is not connected: ${view?.reason}`];
    const missing = [
      ...unseen(this.#down.get(name)).map((id) => `${id} never came to ${name}`),
      ...unseen(this.#up.get(name)).map((id) => `${id} of ${name} never came`),
    ];
    if (view.pending > 0) missing.push(`${view.pending} events for ${name} are pending`);
    for (const { kind, name: resource, spec, state, version } of await principal.side.resources.list(name, {
      limit: 1_000,
    })) {
      if (state !== "delivered" || this.#isNotDelivered(name, `${kind}/${resource}`, version)) continue;
      const held = await agent.store.retained.get("principal", "received", `${kind}/${resource}`);
      const has = specOf(held?.event.data);
      if (JSON.stringify(has) !== JSON.stringify(spec))
        missing.push(`${resource} is ${JSON.stringify(has)} on ${name}, not ${JSON.stringify(spec)}`);
    }
    return missing;
  }

  /** That the agent refused it for good, or that somebody purged it, a copy from before does not know, and the agent answers for all it has settled. */
  #isNotDelivered(agent: string, subject: string, eventid: string): boolean {
    const version = Number(eventid);
    return this.#world.ledger
      .lives("down", agent)
      .some(
        (life) =>
          life.facts.get(version)?.deadLetter !== undefined ||
          life.purges.mayHold({ version, subject, resourceid: "" }),
      );
  }

  #violation(what: string): void {
    this.#world.findings.violation("an older copy loses nothing in silence", what);
  }
}

function unseen(traffic: Traffic | undefined): readonly string[] {
  return [...(traffic?.promised ?? [])].filter((id) => traffic?.seen.has(id) !== true);
}

function specOf(data: unknown): unknown {
  return typeof data === "object" && data !== null && "spec" in data ? data.spec : undefined;
}
