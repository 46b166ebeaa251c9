import { decodeEvent } from "./event-text.js";
import { receivedKey, sentKey } from "./keys.js";
import type { EntryIdentity } from "./pending-entries.js";
import { decodeReceived, encodeReceived } from "./rows.js";
import type { RetainedState } from "./retained-state.js";
import type { Transaction } from "./transaction.js";

/** Retained state inside commits. */
export class RetainedRows {
  /** The newest state sent about a subject; `pending` is not looked up. */
  async sent(
    tx: Transaction,
    peer: string,
    subject: string,
  ): Promise<Omit<RetainedState, "pending"> | undefined> {
    const key = sentKey(peer, subject);
    const text = await tx.get(key);
    if (text === undefined) return undefined;
    const event = decodeEvent(text, key);
    return { subject, version: Number(event.eventid), event };
  }

  /** The peer applied a delete: nothing is known of that resource any more. What belongs to a new resource under the old name stays. */
  async deleteAcknowledged(tx: Transaction, peer: string, entry: EntryIdentity): Promise<void> {
    const { subject, resourceid, version } = entry;
    if (subject === undefined) return;
    const sent = await this.sent(tx, peer, subject);
    await this.forgetReceived(tx, peer, subject, resourceid);
    if (sent?.event.resourceid === resourceid && sent.version <= version) tx.remove(sentKey(peer, subject));
  }

  async forgetSent(tx: Transaction, peer: string, subject: string, resourceid: string): Promise<void> {
    const sent = await this.sent(tx, peer, subject);
    if (sent?.event.resourceid === resourceid) tx.remove(sentKey(peer, subject));
  }

  async forgetReceived(tx: Transaction, peer: string, subject: string, resourceid: string): Promise<void> {
    const key = receivedKey(peer, subject);
    const row = await tx.get(key);
    if (row === undefined) return;
    if (decodeEvent(decodeReceived(row, key).text, key).resourceid === resourceid) tx.remove(key);
  }

  /** Keeps the event unless something newer of the same life of the peer is there: two resources may follow each other under one name. */
  async keepReceived(
    tx: Transaction,
    peer: string,
    incarnation: number,
    version: number,
    subject: string,
    text: string,
  ): Promise<void> {
    const key = receivedKey(peer, subject);
    const row = await tx.get(key);
    if (row !== undefined) {
      const kept = decodeReceived(row, key);
      if (kept.incarnation === incarnation && kept.version > version) return;
    }
    tx.put(key, encodeReceived({ incarnation, version, text }));
  }
}
