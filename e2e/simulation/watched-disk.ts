import { HawserError } from "@hawser/protocol";
import type { Disk, Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { WireChecker } from "./checkers/wire-checker.js";
import { FaultyDisk } from "./faulty-disk.js";
import type { Mailbox } from "./ledger.js";
import { DEFAULT_MIN_RESEND_MS } from "./plan.js";
import { hearingBoundMs, settlingBoundMs } from "./shared-plan.js";
import type { World } from "./world.js";

/** The disk of one machine, and what the checkers learn from it and from what passes on the wire of whoever uses it. */
export class WatchedDisk {
  readonly #world: World;
  readonly #side: "agent" | "principal";
  readonly #name: string;
  #disk: FaultyDisk;
  #syncedAt = 0;

  constructor(world: World, side: "agent" | "principal", name: string) {
    this.#world = world;
    this.#side = side;
    this.#name = name;
    this.#disk = this.#newDisk();
  }

  get disk(): FaultyDisk {
    return this.#disk;
  }

  attach(host: VirtualHost): Disk {
    return this.#disk.attach(host.runtime.timers);
  }

  /** An empty one takes its place. */
  replace(): void {
    this.#disk = this.#newDisk();
  }

  /** @param name of the machine that sends and receives there */
  tap(host: VirtualHost, store: Store, name: string): WireChecker {
    const { ledger, findings, plan, sender, virtual, welcomes } = this.#world;
    const isShared = this.#side === "principal" && plan.shared !== undefined;
    return new WireChecker({
      side: this.#side,
      name,
      ledger,
      findings,
      store: store.id,
      syncedAt: () => this.#syncedAt,
      now: () => virtual.now(),
      wallTime: host.runtime.clock.wallTime,
      minResendMs: plan.resend.minTimeoutMs ?? DEFAULT_MIN_RESEND_MS,
      sendsOnce: plan.flavour === "rotations",
      welcomes,
      hearsWithinMs: isShared ? hearingBoundMs(plan) : 0,
      settlesWithinMs: isShared ? settlingBoundMs(plan) : 0,
      readsRecords: isShared,
      learnDeadLetters: (mailbox) => this.learnDeadLetters(store, mailbox),
      learnRecords: (mailbox) => this.#learnRecords(mailbox),
      unannounced: (mailbox, fact) => sender.unannounced(mailbox, fact),
    });
  }

  /** Of a store that others share, what is durable is read past its network. */
  learnDeadLetters(store: Store, mailbox: Mailbox): Promise<void> {
    if (this.#side === "principal" && this.#world.plan.shared !== undefined)
      return this.learnDurableDeadLetters(mailbox);
    const read = (): Promise<void> =>
      this.#world.durability.sender(store, this.#peerOf(mailbox.agent), mailbox);
    return this.#disk.promptly(read).catch(ignoreOutage);
  }

  learnDurableDeadLetters(mailbox: Mailbox): Promise<void> {
    return this.#world.durability.durableSender(this.#disk.snapshot(), mailbox);
  }

  /** What the inbox for `agent` holds of the store its versions come from. */
  learnInbox(agent: string, sendersStore: string | undefined): Promise<boolean> {
    const direction = this.#side === "agent" ? "down" : "up";
    const { durability } = this.#world;
    return durability.receiver(this.#disk.snapshot(), this.#peerOf(agent), direction, agent, sendersStore);
  }

  /** False when the store cannot be read now. */
  #learnRecords(mailbox: Mailbox): Promise<boolean> {
    return this.learnInbox(mailbox.agent, mailbox.store).catch((thrown: unknown) => {
      ignoreOutage(thrown);
      return false;
    });
  }

  #peerOf(agent: string): string {
    return this.#side === "agent" ? "principal" : agent;
  }

  #newDisk(): FaultyDisk {
    const { virtual, plan, ledger } = this.#world;
    return new FaultyDisk({
      random: virtual.random(`disk ${this.#name}`),
      maxWriteMs: plan.maxWriteMs,
      synced: () => {
        this.#syncedAt = ledger.tick();
      },
    });
  }
}

/** A store that cannot be read now cannot be looked at: nothing is learned, nothing is wrong. */
export function ignoreOutage(thrown: unknown): void {
  if (!(thrown instanceof HawserError) || !OUTAGES.has(thrown.code)) throw thrown;
}

const OUTAGES = new Set<string>(["store_unavailable", "store_full", "store_corrupt"]);
