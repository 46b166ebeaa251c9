import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { Acknowledgements } from "../mailbox/acknowledgements.js";
import type { ReadPlan } from "../commit/write.js";
import type { EntryIdentity } from "../layout/entry-identity.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import type { LeaseTable } from "../mailbox/lease-table.js";
import type { PendingEntries } from "./pending-entries.js";
import type { RetainedRows } from "./retained-rows.js";
import type { Transaction } from "../commit/transaction.js";

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
