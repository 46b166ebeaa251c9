import { decodeEvent } from "../layout/event-text.js";
import { receivedKey, sentKey } from "../layout/keys.js";
import type { EntryIdentity } from "../layout/entry-identity.js";
import type { GivenUp } from "../contract/retained.js";
import { decodeReceived, decodeSent, encodeReceived, encodeSent, type SentRow } from "../layout/rows.js";
import type { Transaction } from "../commit/transaction.js";

interface SentState extends SentRow {
  readonly version: number;
}

/** Retained state inside commits. */
export class RetainedRows {
  /** The newest state sent about a subject. */
  async sent(tx: Transaction, peer: string, subject: string): Promise<SentState | undefined> {
    const key = sentKey(peer, subject);
    const value = await tx.get(key);
    if (value === undefined) return undefined;
    const row = decodeSent(value, key);
    return { ...row, version: Number(row.event.eventid) };
  }

  /**
   * Nobody will send this event any more. A spec or status goes on being what the peer ought to have, and is marked; a delete is given up, and with it the resource,
   * as nobody could ask for it again. Reads only; what it answers with makes the change.
   */
  async givingUp(tx: Transaction, peer: string, entry: EntryIdentity, how: GivenUp): Promise<() => void> {
    const { subject, version, eventClass: kind } = entry;
    if (subject === undefined || kind === "command") return unchanged;
    if (kind === "delete") return this.#forgetting(tx, peer, entry, subject);
    const sent = await this.sent(tx, peer, subject);
    if (sent?.version !== version) return unchanged;
    return () => tx.put(sentKey(peer, subject), encodeSent(sent.text, how));
  }

  /** The peer applied a delete: nothing is known of that resource any more. What belongs to a new resource under the old name stays. */
  async deleteAcknowledged(tx: Transaction, peer: string, entry: EntryIdentity): Promise<void> {
    if (entry.subject === undefined) return;
    const forget = await this.#forgetting(tx, peer, entry, entry.subject);
    forget();
  }

  async #forgetting(
    tx: Transaction,
    peer: string,
    { resourceid, version }: EntryIdentity,
    subject: string,
  ): Promise<() => void> {
    const sent = await this.sent(tx, peer, subject);
    const isReceived = await this.#isReceived(tx, peer, subject, resourceid);
    return () => {
      if (isReceived) tx.remove(receivedKey(peer, subject));
      if (sent?.event.resourceid === resourceid && sent.version <= version) tx.remove(sentKey(peer, subject));
    };
  }

  async forgetSent(tx: Transaction, peer: string, subject: string, resourceid: string): Promise<void> {
    const sent = await this.sent(tx, peer, subject);
    if (sent?.event.resourceid === resourceid) tx.remove(sentKey(peer, subject));
  }

  async forgetReceived(tx: Transaction, peer: string, subject: string, resourceid: string): Promise<void> {
    if (await this.#isReceived(tx, peer, subject, resourceid)) tx.remove(receivedKey(peer, subject));
  }

  async #isReceived(tx: Transaction, peer: string, subject: string, resourceid: string): Promise<boolean> {
    const key = receivedKey(peer, subject);
    const row = await tx.get(key);
    return row !== undefined && decodeEvent(decodeReceived(row, key).text, key).resourceid === resourceid;
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

function unchanged(): void {}
