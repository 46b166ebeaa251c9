import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import { receivedKey, sentKey } from "./keys.js";
import type { ReadPlan } from "./commit-item.js";
import type { LeaseTable } from "./lease-table.js";
import type { EntryIdentity, PendingEntries } from "./pending-entries.js";
import type { RetainedRows } from "./retained-rows.js";
import type { Transaction } from "./transaction.js";

/** Acknowledgements written with one commit; the rest goes with the next. */
const MAX_PER_COMMIT = 4_096;

/**
 * How many may wait while the disk takes nothing, about 50 bytes each. What comes on top is forgotten, which costs a resend in a later session.
 */
export const MAX_GATHERED = 1_000_000;

/** What peers acknowledged and no commit has recorded yet. A version stays here until its commit is done. */
export class Acknowledgements {
  readonly #gathered = new Map<string, Set<number>>();
  /** How many events a peer says it has recorded, where that is not written yet. */
  readonly #recorded = new Map<string, number>();
  readonly #onGathered: () => void;
  #count = 0;

  /** @param onGathered called for each addition */
  constructor(onGathered: () => void) {
    this.#onGathered = onGathered;
  }

  get empty(): boolean {
    return this.#gathered.size === 0;
  }

  add(peer: string, version: number): void {
    const versions = this.#gathered.get(peer);
    if (versions?.has(version) === true || this.#count >= MAX_GATHERED) return;
    if (versions === undefined) this.#gathered.set(peer, new Set([version]));
    else versions.add(version);
    this.#count++;
    this.#onGathered();
  }

  /** What the peer said along with the acknowledgements to come. */
  peerRecorded(peer: string, count: number): void {
    if (count > this.recordedBy(peer)) this.#recorded.set(peer, count);
  }

  recordedBy(peer: string): number {
    return this.#recorded.get(peer) ?? 0;
  }

  has(peer: string, version: number): boolean {
    return this.#gathered.get(peer)?.has(version) ?? false;
  }

  /** Up to `MAX_PER_COMMIT` of them, by peer. */
  next(): ReadonlyMap<string, readonly number[]> {
    const taken = new Map<string, readonly number[]>();
    let room = MAX_PER_COMMIT;
    for (const [peer, versions] of this.#gathered) {
      const some = [...versions];
      if (some.length > room) some.length = room;
      taken.set(peer, some);
      room -= some.length;
      if (room === 0) break;
    }
    return taken;
  }

  /** The peer lost its store: what it acknowledged before is gone with it. */
  forget(peer: string): void {
    this.#count -= this.#gathered.get(peer)?.size ?? 0;
    this.#gathered.delete(peer);
    this.#recorded.delete(peer);
  }

  /** Nobody knows any more what they were about. It costs resends. */
  forgetAll(): void {
    this.#count = 0;
    this.#gathered.clear();
    this.#recorded.clear();
  }

  done(peer: string, recorded: readonly number[]): void {
    const versions = this.#gathered.get(peer);
    if (versions === undefined) return;
    for (const version of recorded) if (versions.delete(version)) this.#count--;
    if (versions.size > 0) return;
    this.#gathered.delete(peer);
    this.#recorded.delete(peer);
  }
}

export interface AcknowledgementParts {
  readonly acknowledgements: Acknowledgements;
  readonly leases: LeaseTable;
  readonly entries: PendingEntries;
  readonly retained: RetainedRows;
  readonly logger: Logger;
}

/** Records acknowledgements: entries leave the mailbox, and an acknowledged delete takes the state of its resource with it. */
export class AcknowledgementWriter {
  readonly #parts: AcknowledgementParts;

  constructor(parts: AcknowledgementParts) {
    this.#parts = parts;
  }

  reads(plan: ReadPlan): void {
    for (const [peer, versions] of this.#parts.acknowledgements.next()) {
      for (const version of versions) this.#readsOf(plan, peer, version);
    }
  }

  #readsOf(plan: ReadPlan, peer: string, version: number): void {
    const known = this.#parts.leases.get(peer)?.handed(version);
    if (known === undefined) {
      plan.entries.push({ peer, version });
    } else if (known.eventClass === "delete" && known.subject !== undefined) {
      plan.keys.add(sentKey(peer, known.subject));
      plan.keys.add(receivedKey(peer, known.subject));
    }
  }

  async apply(tx: Transaction): Promise<void> {
    for (const [peer, versions] of this.#parts.acknowledgements.next()) {
      for (const version of versions) {
        const reading = this.#apply(tx, peer, version);
        if (reading !== undefined)
          await reading.catch((err: unknown) => this.#unreadable(peer, version, err));
      }
      this.#noteRecorded(tx, peer);
      tx.afterCommit(() => this.#parts.acknowledgements.done(peer, versions));
    }
  }

  /** In the commit that forgets what was acknowledged: a peer that forgets it as well is found out by this. */
  #noteRecorded(tx: Transaction, peer: string): void {
    const count = this.#parts.acknowledgements.recordedBy(peer);
    const meta = tx.mailbox(peer);
    if (meta !== undefined && count > meta.peerRecorded) tx.draft(peer, meta).peerRecorded = count;
  }

  /** A row that cannot be read stays; the commits of everybody else must not wait for it. */
  #unreadable(peer: string, version: number, err: unknown): void {
    if (!(err instanceof HawserError) || err.code !== "store_corrupt") throw err;
    this.#parts.logger.error(
      { agent: peer, event_id: String(version), err },
      "an acknowledged entry is corrupt",
    );
  }

  /** A promise only where something has to be read: most entries are remembered from when they were handed out. */
  #apply(tx: Transaction, peer: string, version: number): Promise<void> | undefined {
    const handed = this.#parts.leases.get(peer)?.handed(version);
    if (handed === undefined || handed.eventClass === "delete")
      return this.#applyAfterReading(tx, peer, version, handed);
    this.#remove(tx, peer, handed);
    return undefined;
  }

  async #applyAfterReading(
    tx: Transaction,
    peer: string,
    version: number,
    handed: EntryIdentity | undefined,
  ): Promise<void> {
    const entry = handed ?? (await this.#parts.entries.identity(tx, peer, version));
    if (entry === undefined || tx.mailbox(peer) === undefined) return;
    if (entry.eventClass === "delete") await this.#parts.retained.deleteAcknowledged(tx, peer, entry);
    this.#remove(tx, peer, entry);
  }

  #remove(tx: Transaction, peer: string, entry: EntryIdentity): void {
    const meta = tx.mailbox(peer);
    if (meta === undefined) return;
    const { entries } = this.#parts;
    entries.remove(tx, peer, tx.draft(peer, meta), entries.outgoing(peer, entry));
  }
}
