import { eventClass, supersedes, type EventClass } from "@hawser/protocol";
import { identify, type EntryIdentity } from "../layout/entry-identity.js";
import { decodeEvent, entryPlace, type EncodedEvent } from "../layout/event-text.js";
import { pendingStateKey, sentKey, type StateClass } from "../layout/keys.js";
import type { LeaseTable } from "../mailbox/lease-table.js";
import type { MailboxMeta } from "../layout/counters.js";
import { decodePendingState, encodePendingState, encodeSent, type PendingState } from "../layout/rows.js";
import type { Transaction } from "../commit/transaction.js";

/** The classes of which a resource has at most one pending entry each. */
export const STATE_CLASSES: readonly StateClass[] = ["spec", "status", "delete"];
const NO_CLASSES: readonly StateClass[] = [];

/** A pending entry on its way out. */
export interface OutgoingEntry extends PendingState {
  /** Where a state is found by its resource. */
  readonly stateKey: string | undefined;
}

/** The rows of entries that are not acknowledged: the entry itself, its place in the index of its resource, and its share in the counters. */
export class PendingEntries {
  readonly #leases: LeaseTable;

  constructor(leases: LeaseTable) {
    this.#leases = leases;
  }

  /** Adds an entry as the newest of its mailbox, retained if it is a state with a subject, and tells the holder of the mailbox once it is committed. */
  add(tx: Transaction, peer: string, draft: MailboxMeta, version: number, encoded: EncodedEvent): void {
    const { event, text, bytes } = encoded;
    const kind = eventClass(event.type);
    tx.putEntry(peer, version, text);
    if (kind !== "command") {
      tx.put(pendingStateKey(peer, event.resourceid, kind), encodePendingState({ version, bytes }));
      if (event.subject !== undefined) tx.put(sentKey(peer, event.subject), encodeSent(text));
    }
    tx.afterCommit(() => {
      // A later item of the same commit may have superseded a state.
      if (kind === "command" || tx.writesEntry(peer, version))
        this.#leases.entryAdded(peer, version, encoded);
    });
    draft.told = this.#told(tx, peer, draft, version);
    draft.position = version;
    draft.pending += 1;
    draft.bytes += bytes;
  }

  // What is given out while nobody holds the mailbox, the peer cannot have been told: that is how an older copy is found out that has caught up meanwhile.
  #told(tx: Transaction, peer: string, { told }: Readonly<MailboxMeta>, version: number): number | undefined {
    const held = this.#leases.get(peer) !== undefined || tx.claims(peer);
    return held ? told : (told ?? version - 1);
  }

  /** Takes an entry out; retained state is left alone. */
  remove(tx: Transaction, peer: string, draft: MailboxMeta, outgoing: OutgoingEntry): void {
    tx.removeEntry(peer, outgoing.version);
    if (outgoing.stateKey !== undefined) tx.remove(outgoing.stateKey);
    tx.afterCommit(() => this.#leases.entryRemoved(peer, outgoing.version));
    draft.pending -= 1;
    draft.bytes -= outgoing.bytes;
  }

  outgoing(peer: string, entry: EntryIdentity): OutgoingEntry {
    const { version, bytes, resourceid, eventClass: kind } = entry;
    const stateKey = kind === "command" ? undefined : pendingStateKey(peer, resourceid, kind);
    return { version, bytes, stateKey };
  }

  /** The classes of entries that an event of class `newer` makes pointless. */
  supersededClasses(newer: EventClass): readonly StateClass[] {
    return newer === "command" ? NO_CLASSES : STATE_CLASSES.filter((older) => supersedes(newer, older));
  }

  /** The pending states of a resource, of these classes: one entry for each at most. */
  async states(
    tx: Transaction,
    peer: string,
    resourceid: string,
    classes: readonly StateClass[] = STATE_CLASSES,
  ): Promise<readonly OutgoingEntry[]> {
    const found: OutgoingEntry[] = [];
    for (const kind of classes) {
      const stateKey = pendingStateKey(peer, resourceid, kind);
      const row = await tx.get(stateKey);
      if (row !== undefined) found.push({ ...decodePendingState(row, stateKey), stateKey });
    }
    return found;
  }

  /** An entry as the disk has it, undefined when it is not pending. */
  async identity(tx: Transaction, peer: string, version: number): Promise<EntryIdentity | undefined> {
    const text = await tx.entry(peer, version);
    if (text === undefined) return undefined;
    return identify(version, Buffer.byteLength(text), decodeEvent(text, entryPlace(peer, version)));
  }
}
