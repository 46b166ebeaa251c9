import { createPrincipal, type Principal } from "@hawser/principal";
import { defined } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import type { FaultyDisk } from "./faulty-disk.js";
import { handleCommand } from "./handlers.js";
import type { PrincipalStorage } from "./principal-storage.js";
import { ignoreOutage } from "./watched-disk.js";
import { tapAcceptor } from "./wire-tap.js";
import type { World } from "./world.js";

/** The principal as one process. */
export interface PrincipalProcess {
  readonly host: VirtualHost;
  readonly store: Store;
  readonly principal: Principal;
}

/** Pause of an orchestrator before it starts a principal that could not reach its store. */
const START_AGAIN_MS = 200;

export interface PrincipalParts<Storage extends PrincipalStorage> {
  /** Also of its host. */
  readonly name: string;
  readonly address: string;
  readonly storage: Storage;
}

/** The machine of a principal: what it stores outlives its processes. */
export class PrincipalMachine<Storage extends PrincipalStorage = PrincipalStorage> {
  readonly name: string;
  readonly storage: Storage;
  readonly #world: World;
  readonly #address: string;
  /** Of agents, by which their versions count in the inboxes here. */
  readonly #agentStores = new Map<string, string>();
  process: PrincipalProcess | undefined;
  /** Its peers have to tell it everything again. */
  wasReplaced = false;
  /** Names of its stores so far; the last is the present one. */
  readonly stores: string[] = [];

  constructor(world: World, { name, address, storage }: PrincipalParts<Storage>) {
    this.#world = world;
    this.name = name;
    this.#address = address;
    this.storage = storage;
  }

  /** Name of its present store; undefined before the first start. */
  get storeId(): string | undefined {
    return this.stores.at(-1);
  }

  get disk(): FaultyDisk {
    return this.storage.watched.disk;
  }

  /** Whether it runs and has reached its store. */
  get isServing(): boolean {
    return this.process !== undefined && this.process.store.id !== "";
  }

  async start(): Promise<void> {
    for (;;) {
      const host = this.#world.virtual.host(this.name);
      try {
        return await this.#startOn(host);
      } catch (thrown) {
        // Killed, and perhaps started again by somebody else.
        if (this.process?.host !== host) return;
        if (!this.storage.isShared) throw thrown;
        ignoreOutage(thrown);
        this.kill("process");
      }
      await this.#world.sleep(START_AGAIN_MS);
      if (this.process !== undefined) return;
    }
  }

  async #startOn(host: VirtualHost): Promise<void> {
    const { network, ledger, plan, findings } = this.#world;
    const { watched, isShared } = this.storage;
    const store = this.storage.open(host);
    const acceptor = tapAcceptor(network.acceptor({ host, address: this.#address }), () =>
      watched.tap(host, store, this.name),
    );
    const principal = this.#principal(host, store, acceptor);
    this.process = { host, store, principal };
    await store.start();
    if (this.stores.at(-1) !== store.id) this.stores.push(store.id);
    for (const agent of plan.agents) {
      const mailbox = ledger.life("down", agent, store.id);
      // Killed between the claim of the mailbox for a new store and the word of it, only its own store knows. Of one that others use, what is on its disk says so.
      const sender = isShared
        ? undefined
        : ((await store.standing(agent))?.peer.store ?? this.#agentStores.get(agent));
      await watched.learnInbox(agent, sender);
      await watched.learnDeadLetters(store, mailbox);
    }
    findings.trace(this.name, "starts");
    await principal.start();
  }

  /** SIGKILL, or the power goes. */
  kill(what: "process" | "machine"): void {
    this.#world.findings.trace(this.name, `killed (${what})`);
    this.process?.host.kill();
    this.process = undefined;
    this.#died(this.storage.crashed(what));
  }

  async stop(): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    this.#world.findings.trace(this.name, "stops");
    await process.principal.stop();
    await process.store.stop();
    if (this.process !== process) return;
    process.host.kill();
    this.process = undefined;
    this.#died(true);
  }

  /** The machine is replaced: an empty disk. It must not be running. */
  replace(): void {
    this.#world.findings.trace(this.name, "has a new, empty machine");
    this.storage.watched.replace();
    this.wasReplaced = true;
    this.#agentStores.clear();
    for (const agent of this.#world.plan.agents) this.#world.apply.receiverForgot("up", agent);
  }

  #died(keptAttempts: boolean): void {
    for (const agent of this.#world.plan.agents)
      this.#world.apply.receiverDied("up", agent, keptAttempts, this.name);
  }

  #principal(host: VirtualHost, store: Store, acceptor: ReturnType<typeof tapAcceptor>): Principal {
    const { plan, apply, findings, sender, ledger } = this.#world;
    const principal = this.name;
    const at = {
      principal,
      get store() {
        return store.id;
      },
    };
    const handlers = new Map(
      plan.agents.map((agent) => [
        agent,
        handleCommand({ world: this.#world, host, agent, direction: "up" as const, at }),
      ]),
    );
    return createPrincipal({
      store,
      acceptors: [acceptor],
      runtime: host.runtime,
      window: plan.window.principal,
      windowBytes: plan.windowBytes.principal,
      ...defined({ readAheadBytes: plan.readAheadBytes }),
      timing: plan.timing,
      resend: plan.resend,
      stop: { windowMs: 500 },
      onEvent: async (delivery) => handlers.get(delivery.agent)?.(delivery),
      observer: {
        link: (agent) => ({
          opened: (session) => {
            this.#agentStores.set(agent, session.peerStore);
            void this.storage.watched.learnDeadLetters(store, ledger.life("down", agent, store.id));
          },
          applied: (event) => apply.recorded("up", agent, event, principal),
          skipped: (event, why) => {
            if (why === "discarded")
              apply.discarded(
                "up",
                agent,
                event,
                ledger.life("down", agent, store.id).holds(event.resourceid),
              );
            if (plan.flavour === "rotations" && why === "duplicate")
              findings.violation(
                "no redelivery without faults",
                `${principal} skipped ${agent} ${event.eventid}`,
              );
          },
          deadLettered: (event, code) =>
            sender.deadLettered("down", agent, event, code, host.runtime.clock.wallTime()),
          ended: ({ kind, transport }) => {
            findings.trace(principal, `session of ${agent} ended: ${kind} ${transport.kind}`);
            if (plan.flavour === "rotations" && kind === "failed")
              findings.violation("no session fails without faults", `session of ${agent}`);
          },
        }),
      },
    });
  }
}
