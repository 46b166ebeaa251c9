import { createAgent, type Agent } from "@hawser/agent";
import { createDiskStore, type Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import type { FaultyDisk } from "./faulty-disk.js";
import { handleCommand, ThingHandler } from "./handlers.js";
import { Things } from "./things.js";
import { balancedDialer } from "./balancer.js";
import { WatchedDisk } from "./watched-disk.js";
import { tapDialer } from "./wire-tap.js";
import type { World } from "./world.js";

export const KIND = "Thing";

/** One agent as a process. */
export interface AgentProcess {
  readonly host: VirtualHost;
  readonly store: Store;
  readonly agent: Agent;
}

/** The machine of one agent: its disk and what its handlers made outlive its processes. */
export class AgentMachine {
  readonly name: string;
  readonly #world: World;
  readonly #watched: WatchedDisk;
  things: Things;
  /** Its peers have to tell it everything again. */
  wasReplaced = false;
  process: AgentProcess | undefined;
  /** The store of the principal by which the versions of this agent's inbox count. */
  #principalStore: string | undefined;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#watched = new WatchedDisk(world, "agent", name);
    this.things = new Things();
  }

  /** Name of its present store; undefined before the first start. */
  storeId: string | undefined;

  get disk(): FaultyDisk {
    return this.#watched.disk;
  }

  async start(): Promise<void> {
    const { virtual, ledger, plan } = this.#world;
    const host = virtual.host(this.name);
    const store = createDiskStore(this.#watched.attach(host), {
      runtime: host.runtime,
      limits: plan.limits,
    });
    const process: AgentProcess = { host, store, agent: this.#agent(host, store) };
    this.process = process;
    await store.start();
    this.storeId = store.id;
    const mailbox = ledger.life("up", this.name, store.id);
    // Killed between the claim of its mailbox for a new store and the word of it, only its own store knows.
    const sender = (await store.standing("principal"))?.peer.store ?? this.#principalStore;
    await this.#watched.learnInbox(this.name, sender);
    await this.#watched.learnDeadLetters(store, mailbox);
    this.#world.findings.trace(this.name, "starts");
    await process.agent.start();
  }

  /** SIGKILL, or the power goes. */
  kill(what: "process" | "machine"): void {
    this.#world.findings.trace(this.name, `killed (${what})`);
    this.process?.host.kill();
    this.process = undefined;
    this.disk.crash(what);
    this.#died(what === "process");
  }

  async stop(): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    this.#world.findings.trace(this.name, "stops");
    await process.agent.stop({ graceMs: 2_000 });
    await process.store.stop();
    if (this.process !== process) return;
    process.host.kill();
    this.process = undefined;
    this.#died(true);
  }

  /** The machine is replaced: an empty disk, and nothing its handlers made. It must not be running. */
  replace(): void {
    this.#world.findings.trace(this.name, "has a new, empty machine");
    this.#watched.replace();
    this.wasReplaced = true;
    this.things = new Things();
    this.#principalStore = undefined;
    this.#world.apply.receiverForgot("down", this.name);
  }

  #died(keptAttempts: boolean): void {
    this.things.processDied();
    this.#world.apply.receiverDied("down", this.name, keptAttempts);
  }

  #agent(host: VirtualHost, store: Store): Agent {
    const { plan, apply, findings, sender, ledger } = this.#world;
    const { name } = this;
    const dialer = tapDialer(balancedDialer(this.#world, host), () => this.#watched.tap(host, store, name));
    const parts = { world: this.#world, host, agent: name };
    return createAgent({
      name,
      store,
      dialer,
      runtime: host.runtime,
      window: plan.window.agent,
      windowBytes: plan.windowBytes.agent,
      timing: plan.timing,
      reconnect: plan.reconnect,
      resend: plan.resend,
      handlers: { [KIND]: new ThingHandler(parts, this.things) },
      onEvent: handleCommand({ ...parts, direction: "down" }),
      observer: {
        opened: (session) => {
          this.#principalStore = session.peerStore;
          void this.#watched.learnDeadLetters(store, ledger.life("up", name, store.id));
        },
        applied: (event) => apply.recorded("down", name, event),
        skipped: (event, why) => {
          // Between principals the wire checker says when it may be sent again.
          if (plan.flavour === "rotations" && plan.shared === undefined && why === "duplicate")
            findings.violation(
              "no redelivery without faults",
              `${name} skipped ${event.resourceid}@${event.eventid}`,
            );
        },
        deadLettered: (event, code) =>
          sender.deadLettered("up", name, event, code, host.runtime.clock.wallTime()),
        ended: ({ kind, transport }) => {
          findings.trace(name, `session ended: ${kind} ${transport.kind}`);
          if (plan.flavour === "rotations" && kind === "failed")
            findings.violation("no session fails without faults", name);
        },
      },
    });
  }
}
