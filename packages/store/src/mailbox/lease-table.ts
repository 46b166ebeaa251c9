import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { StoreClient } from "../commit/peer-table.js";
import type { EncodedEvent, EntryIdentity } from "../layout/event-text.js";
import type { LeaseLoss, PurgedEntry } from "../contract/mailbox.js";
import type { PeerView } from "../contract/views.js";

export type LeaseState = "held" | "closed" | LeaseLoss;

/** @throws HawserError `superseded` once another holder has the mailbox, or `aborted` */
export function assertHeld(peer: string, state: LeaseState): void {
  if (state === "held") return;
  const about = { agent: peer };
  if (state === "superseded" || state === "taken")
    throw new HawserError("superseded", `another holder opened the mailbox of ${peer}`, about);
  const message = `this lease of the mailbox of ${peer} has ended; open it again`;
  throw new HawserError("aborted", message, about);
}

/** Why the store ends a lease. `taken`: another client has the mailbox. */
export type StoreLoss = Exclude<LeaseLoss, "unreachable">;

/** A lease, as seen by those who change its mailbox. */
export interface HeldLease {
  readonly client: StoreClient;
  readonly holder: NonNullable<PeerView["holder"]>;
  /** The caller of `open` has it. */
  opened(): void;
  /** What is known of an entry that was handed out and is still pending. */
  handed(version: number): EntryIdentity | undefined;
  deliver(version: number, encoded: EncodedEvent): void;
  /** How many of these the holder had sent. */
  purged(gone: readonly PurgedEntry[]): number;
  /** The entry is no longer pending. */
  forget(version: number): void;
  lose(why: StoreLoss): void;
  /** Ends without a notification. */
  end(): void;
}

/** Who holds which mailbox in this process. */
export class LeaseTable {
  readonly #leases = new Map<string, HeldLease>();
  readonly #logger: Logger;
  readonly #onChanged: (peer: string) => void;

  /** @param onChanged gets each peer whose mailbox has another holder, or none */
  constructor(logger: Logger, onChanged: (peer: string) => void) {
    this.#logger = logger;
    this.#onChanged = onChanged;
  }

  /** How many mailboxes are held. */
  get size(): number {
    return this.#leases.size;
  }

  /** Whose mailboxes are held. */
  peers(): Iterable<string> {
    return this.#leases.keys();
  }

  isHeld(peer: string): boolean {
    return this.#leases.has(peer);
  }

  get(peer: string): HeldLease | undefined {
    return this.#leases.get(peer);
  }

  /** A new holder. The previous one is notified. */
  install(peer: string, lease: HeldLease): void {
    const previous = this.#leases.get(peer);
    this.#leases.set(peer, lease);
    this.#onChanged(peer);
    const why = previous?.client === lease.client ? "superseded" : "taken";
    if (previous !== undefined) this.#guard(peer, () => previous.lose(why));
  }

  release(peer: string, lease: HeldLease): void {
    if (this.#leases.get(peer) !== lease) return;
    this.#leases.delete(peer);
    this.#onChanged(peer);
  }

  entryAdded(peer: string, version: number, encoded: EncodedEvent): void {
    const lease = this.#leases.get(peer);
    if (lease !== undefined) this.#guard(peer, () => lease.deliver(version, encoded));
  }

  /** How many of these its holder had sent; 0 where nobody holds the mailbox. */
  entriesPurged(peer: string, gone: readonly PurgedEntry[]): number {
    const lease = this.#leases.get(peer);
    let sent = 0;
    if (lease !== undefined) this.#guard(peer, () => (sent = lease.purged(gone)));
    return sent;
  }

  entryRemoved(peer: string, version: number): void {
    this.#leases.get(peer)?.forget(version);
  }

  /** There is nothing to hold any more. */
  lose(peer: string): void {
    const lease = this.#leases.get(peer);
    this.#leases.delete(peer);
    if (lease !== undefined) this.#guard(peer, () => lease.lose("superseded"));
  }

  /** Entries may have been missed: every holder has to open again. */
  loseAll(): void {
    const all = [...this.#leases];
    this.#leases.clear();
    for (const [peer, lease] of all) {
      this.#onChanged(peer);
      this.#guard(peer, () => lease.lose("resync"));
    }
  }

  /** The store stops, and so do the holders: leases end without a notification. */
  endAll(): void {
    for (const lease of this.#leases.values()) lease.end();
    this.#leases.clear();
  }

  /** Its holder has the lease. */
  opened(peer: string, lease: HeldLease): void {
    this.#guard(peer, () => lease.opened());
  }

  /** A callback that throws must not end the commit loop, and with it every other mailbox. */
  #guard(peer: string, callback: () => void): void {
    try {
      callback();
    } catch (err) {
      this.#logger.error({ agent: peer, err }, "the holder of a mailbox threw from a callback");
    }
  }
}
