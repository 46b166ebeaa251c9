import { createPrincipal, type Principal } from "@hawser/principal";
import { defined } from "@hawser/runtime";
import { createDiskStore, type Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { ADDRESS } from "./agent-machine.js";
import type { FaultyDisk } from "./faulty-disk.js";
import { handleCommand } from "./handlers.js";
import { WatchedDisk } from "./watched-disk.js";
import { tapAcceptor } from "./wire-tap.js";
import type { World } from "./world.js";

/** The principal as one process. */
export interface PrincipalProcess {
  readonly host: VirtualHost;
  readonly store: Store;
  readonly principal: Principal;
}

/** The machine of the principal: its disk outlives its processes. */
export class PrincipalMachine {
  readonly #world: World;
  readonly #watched: WatchedDisk;
  /** Of agents, by which their versions count in the inboxes here. */
  readonly #agentStores = new Map<string, string>();
  readonly #epochs = new Map<string, number>();
  process: PrincipalProcess | undefined;
  /** Its peers have to tell it everything again. */
  wasReplaced = false;
  /** Names of its stores so far; the last is the present one. */
  readonly stores: string[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#watched = new WatchedDisk(world, "principal", "principal");
  }

  /** Name of its present store; undefined before the first start. */
  get storeId(): string | undefined {
    return this.stores.at(-1);
  }

  get disk(): FaultyDisk {
    return this.#watched.disk;
  }

  async start(): Promise<void> {
    const { virtual, network, ledger, plan, findings } = this.#world;
    const host = virtual.host("principal");
    const store = createDiskStore(this.#watched.attach(host), {
      runtime: host.runtime,
      limits: plan.limits,
    });
    const acceptor = tapAcceptor(network.acceptor({ host, address: ADDRESS }), () =>
      this.#watched.tap(host, store, this.#epochs),
    );
    const principal = this.#principal(host, store, acceptor);
    this.process = { host, store, principal };
    await store.start();
    if (this.stores.at(-1) !== store.id) this.stores.push(store.id);
    for (const agent of plan.agents) {
      const mailbox = ledger.life("down", agent, store.id);
      // Killed between the claim of the mailbox for a new store and the word of it, only its own store knows.
      const sender = (await store.standing(agent))?.peer.store ?? this.#agentStores.get(agent);
      await this.#watched.learnInbox(agent, sender);
      await this.#watched.learnDeadLetters(store, mailbox);
    }
    findings.trace("principal", "starts");
    await principal.start();
  }

  /** SIGKILL, or the power goes. */
  kill(what: "process" | "machine"): void {
    this.#world.findings.trace("principal", `killed (${what})`);
    this.process?.host.kill();
    this.process = undefined;
    this.disk.crash(what);
    this.#died(what === "process");
  }

  async stop(): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    this.#world.findings.trace("principal", "stops");
    await process.principal.stop();
    await process.store.stop();
    if (this.process !== process) return;
    process.host.kill();
    this.process = undefined;
    this.#died(true);
  }

  /** The machine is replaced: an empty disk. It must not be running. */
  replace(): void {
    this.#world.findings.trace("principal", "has a new, empty machine");
    this.#watched.replace();
    this.wasReplaced = true;
    this.#agentStores.clear();
    for (const agent of this.#world.plan.agents) this.#world.apply.receiverForgot("up", agent);
  }

  #died(keptAttempts: boolean): void {
    for (const agent of this.#world.plan.agents) this.#world.apply.receiverDied("up", agent, keptAttempts);
  }

  #principal(host: VirtualHost, store: Store, acceptor: ReturnType<typeof tapAcceptor>): Principal {
    const { plan, apply, findings, sender, ledger } = this.#world;
    const handlers = new Map(
      plan.agents.map((agent) => [
        agent,
        handleCommand({ world: this.#world, host, agent, direction: "up" as const }),
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
            void this.#watched.learnDeadLetters(store, ledger.life("down", agent, store.id));
          },
          applied: (event) => apply.recorded("up", agent, event),
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
                `principal skipped ${agent} ${event.eventid}`,
              );
          },
          deadLettered: (event, code) =>
            sender.deadLettered("down", agent, event, code, host.runtime.clock.wallTime()),
          ended: ({ kind, transport }) => {
            findings.trace("principal", `session of ${agent} ended: ${kind} ${transport.kind}`);
            if (plan.flavour === "rotations" && kind === "failed")
              findings.violation("no session fails without faults", `session of ${agent}`);
          },
        }),
      },
    });
  }
}
