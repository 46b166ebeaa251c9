import { HawserError } from "@hawser/protocol";
import type { Disk, Store } from "@hawser/store";
import type { VirtualHost } from "@hawser/testkit";
import { WireChecker } from "./checkers/wire-checker.js";
import { FaultyDisk } from "./faulty-disk.js";
import type { Mailbox } from "./ledger.js";
import { DEFAULT_MIN_RESEND_MS } from "./plan.js";
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

  /** @param epochs the highest epoch seen of each agent */
  tap(host: VirtualHost, store: Store, epochs: Map<string, number>): WireChecker {
    const { ledger, findings, plan, sender, virtual } = this.#world;
    return new WireChecker({
      side: this.#side,
      ledger,
      findings,
      store: store.id,
      syncedAt: () => this.#syncedAt,
      now: () => virtual.now(),
      wallTime: host.runtime.clock.wallTime,
      minResendMs: plan.resend.minTimeoutMs ?? DEFAULT_MIN_RESEND_MS,
      sendsOnce: plan.flavour === "rotations",
      epochs,
      learnDeadLetters: (mailbox) => this.learnDeadLetters(store, mailbox),
      learnRecords: (mailbox) => this.#learnRecords(mailbox),
      unannounced: (mailbox, fact) => sender.unannounced(mailbox, fact),
    });
  }

  learnDeadLetters(store: Store, mailbox: Mailbox): Promise<void> {
    const read = (): Promise<void> =>
      this.#world.durability.sender(store, this.#peerOf(mailbox.agent), mailbox);
    return this.#disk.promptly(read).catch(ignoreOutage);
  }

  /** What the inbox for `agent` holds of the store its versions come from. */
  learnInbox(agent: string, sendersStore: string | undefined): Promise<void> {
    const direction = this.#side === "agent" ? "down" : "up";
    const { durability } = this.#world;
    return durability.receiver(this.#disk.snapshot(), this.#peerOf(agent), direction, agent, sendersStore);
  }

  /** False when the store cannot be read now. */
  #learnRecords(mailbox: Mailbox): Promise<boolean> {
    return this.learnInbox(mailbox.agent, mailbox.store).then(
      () => true,
      (thrown: unknown) => {
        ignoreOutage(thrown);
        return false;
      },
    );
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
