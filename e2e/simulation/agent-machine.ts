import { createAgent, type Agent } from "@hawser/agent";
import { HawserError } from "@hawser/protocol";
import { createDiskStore, type Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { WireChecker } from "./checkers/wire-checker.js";
import { FaultyDisk } from "./faulty-disk.js";
import type { Mailbox } from "./ledger.js";
import { handleCommand, ThingHandler } from "./handlers.js";
import { Things } from "./things.js";
import { DEFAULT_MIN_RESEND_MS } from "./plan.js";
import { tapDialer } from "./wire-tap.js";
import type { World } from "./world.js";

export const ADDRESS = "principal:443";
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
  #disk: FaultyDisk;
  #syncedAt = 0;
  things: Things;
  process: AgentProcess | undefined;
  /** The store of the principal by which the versions of this agent's inbox count. */
  #principalStore: string | undefined;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#disk = this.#newDisk();
    this.things = new Things();
  }

  get disk(): FaultyDisk {
    return this.#disk;
  }

  async start(): Promise<void> {
    const { virtual, ledger, durability, plan } = this.#world;
    const host = virtual.host(this.name);
    const store = createDiskStore(this.#disk.attach(host.runtime.timers), {
      runtime: host.runtime,
      limits: plan.limits,
    });
    const process: AgentProcess = { host, store, agent: this.#agent(host, store) };
    this.process = process;
    await store.start();
    const mailbox = ledger.life("up", this.name, store.id);
    await this.#disk.promptly(() =>
      durability.receiver(store, "principal", "down", this.name, this.#principalStore),
    );
    await this.#learnDeadLetters(store, mailbox);
    this.#world.findings.trace(this.name, "starts");
    await process.agent.start();
  }

  /** SIGKILL, or the power goes. */
  kill(what: "process" | "machine"): void {
    this.#world.findings.trace(this.name, `killed (${what})`);
    this.process?.host.kill();
    this.process = undefined;
    this.#disk.crash(what);
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
    this.#disk = this.#newDisk();
    this.things = new Things();
    this.#principalStore = undefined;
    this.#world.apply.receiverForgot("down", this.name);
  }

  #learnDeadLetters(store: Store, mailbox: Mailbox): Promise<void> {
    const read = (): Promise<void> => this.#world.durability.sender(store, "principal", mailbox);
    return this.#disk.promptly(read).catch(ignoreOutage);
  }

  #learnRecords(store: Store, mailbox: Mailbox): Promise<void> {
    const { durability } = this.#world;
    const read = (): Promise<void> =>
      durability.receiver(store, "principal", "down", this.name, mailbox.store);
    return this.#disk.promptly(read).catch(ignoreOutage);
  }

  #died(keptAttempts: boolean): void {
    this.things.processDied();
    this.#world.apply.receiverDied("down", this.name, keptAttempts);
  }

  #newDisk(): FaultyDisk {
    const { virtual, plan, ledger } = this.#world;
    return new FaultyDisk({
      random: virtual.random(`disk ${this.name}`),
      maxWriteMs: plan.maxWriteMs,
      synced: () => {
        this.#syncedAt = ledger.tick();
      },
    });
  }

  #agent(host: VirtualHost, store: Store): Agent {
    const { plan, network, apply, findings, sender, ledger } = this.#world;
    const { name } = this;
    const dialer = tapDialer(network.dialer({ from: host, to: ADDRESS }), () => this.#tap(host, store));
    const parts = { world: this.#world, host, agent: name };
    return createAgent({
      name,
      store,
      dialer,
      runtime: host.runtime,
      window: plan.window.agent,
      timing: plan.timing,
      reconnect: plan.reconnect,
      resend: plan.resend,
      handlers: { [KIND]: new ThingHandler(parts, this.things) },
      onEvent: handleCommand({ ...parts, direction: "down" }),
      observer: {
        opened: (session) => {
          this.#principalStore = session.peerStore;
          void this.#learnDeadLetters(store, ledger.life("up", name, store.id));
        },
        applied: (event) => apply.recorded("down", name, event),
        skipped: (event, why) => {
          if (plan.flavour === "rotations" && why === "duplicate")
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

  #tap(host: VirtualHost, store: Store): WireChecker {
    const { ledger, findings, plan, sender, virtual } = this.#world;
    return new WireChecker({
      side: "agent",
      ledger,
      findings,
      store: store.id,
      syncedAt: () => this.#syncedAt,
      now: () => virtual.now(),
      wallTime: host.runtime.clock.wallTime,
      minResendMs: plan.resend.minTimeoutMs ?? DEFAULT_MIN_RESEND_MS,
      sendsOnce: plan.flavour === "rotations",
      epochs: new Map(),
      learnDeadLetters: (mailbox) => this.#learnDeadLetters(store, mailbox),
      learnRecords: (mailbox) => this.#learnRecords(store, mailbox),
      unannounced: (mailbox, fact) => sender.unannounced(mailbox, fact),
    });
  }
}

/** A store that cannot be read now cannot be looked at: nothing is learned, nothing is wrong. */
export function ignoreOutage(thrown: unknown): void {
  if (!(thrown instanceof HawserError) || !OUTAGES.has(thrown.code)) throw thrown;
}

const OUTAGES = new Set<string>(["store_unavailable", "store_full", "store_corrupt"]);
