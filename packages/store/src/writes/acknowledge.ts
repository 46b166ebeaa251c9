import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import { pendingEntry } from "../commit/mailbox-draft.js";
import type { Transaction } from "../commit/transaction.js";
import type { ReadPlan } from "../commit/write.js";
import type { EntryIdentity } from "../layout/event-text.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import type { WriteContext } from "./context.js";
import { forgetDeleted } from "./retained-rows.js";

/** Records acknowledgements. A delete takes the state of its resource along. */
export class AcknowledgementWriter {
  readonly #context: Pick<WriteContext, "acknowledgements" | "leases">;
  readonly #logger: Logger;

  constructor(context: Pick<WriteContext, "acknowledgements" | "leases">, logger: Logger) {
    this.#context = context;
    this.#logger = logger;
  }

  reads(plan: ReadPlan): void {
    for (const [peer, versions] of this.#context.acknowledgements.next())
      for (const version of versions) {
        const known = this.#handed(peer, version);
        if (known === undefined) plan.entries.push({ peer, version });
        else if (known.eventClass === "delete" && known.subject !== undefined)
          plan.keys.add(sentKey(peer, known.subject)).add(receivedKey(peer, known.subject));
      }
  }

  async apply(tx: Transaction): Promise<void> {
    const { acknowledgements } = this.#context;
    for (const [peer, versions] of acknowledgements.next()) {
      for (const version of versions) {
        const reading = this.#apply(tx, peer, version);
        if (reading !== undefined)
          await reading.catch((err: unknown) => this.#unreadable(peer, version, err));
      }
      // In the same commit as the removals, so that a peer whose store was rolled back is detected.
      const count = acknowledgements.recordedBy(peer);
      const mailbox = tx.mailboxOf(peer);
      if (mailbox !== undefined && count > mailbox.counters.peerRecorded)
        mailbox.set({ peerRecorded: count });
      tx.afterCommit(() => acknowledgements.done(peer, versions));
    }
  }

  /** A row that cannot be read stays. The commits of all others must not wait for it. */
  #unreadable(peer: string, version: number, err: unknown): void {
    if (!(err instanceof HawserError) || err.code !== "store_corrupt") throw err;
    const about = { agent: peer, event_id: String(version), err };
    this.#logger.error(about, "an acknowledged entry is corrupt");
  }

  #handed(peer: string, version: number): EntryIdentity | undefined {
    return this.#context.leases.get(peer)?.handed(version);
  }

  /** A promise only where something has to be read: most entries are remembered. */
  #apply(tx: Transaction, peer: string, version: number): Promise<void> | undefined {
    const handed = this.#handed(peer, version);
    if (handed === undefined || handed.eventClass === "delete")
      return this.#applyAfterReading(tx, peer, version, handed);
    tx.mailboxOf(peer)?.removePending(handed);
    return undefined;
  }

  async #applyAfterReading(
    tx: Transaction,
    peer: string,
    version: number,
    handed: EntryIdentity | undefined,
  ): Promise<void> {
    const entry = handed ?? (await pendingEntry(tx, peer, version));
    const mailbox = tx.mailboxOf(peer);
    if (entry === undefined || mailbox === undefined) return;
    if (entry.eventClass === "delete") (await forgetDeleted(tx, peer, entry))();
    mailbox.removePending(entry);
  }
}
