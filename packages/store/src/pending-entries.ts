import { eventClass, supersedes, type EventClass, type HawserEvent } from "@hawser/protocol";
import type { EncodedEvent } from "./event-text.js";
import { decodeEvent } from "./event-text.js";
import {
  classOfKey,
  pendingKey,
  pendingOfResourceKey,
  pendingOfResourcePrefix,
  prefixRange,
  sentKey,
} from "./keys.js";
import type { LeaseTable } from "./lease-table.js";
import {
  decodePendingOfResource,
  encodePendingOfResource,
  type MailboxMeta,
  type PendingOfResource,
} from "./rows.js";
import type { Transaction } from "./transaction.js";

/** More rows than any resource has pending: a mailbox is capped far below. */
const ALL_ROWS = 1_000_000_000;
/** The classes of which a resource has at most one pending entry each. */
export const STATE_CLASSES = ["spec", "status", "delete"] as const;

/** What is needed to take an entry out of its mailbox. */
export interface EntryIdentity extends PendingOfResource {
  readonly resourceid: string;
  readonly eventClass: EventClass;
  readonly subject: string | undefined;
}

export function identify(version: number, bytes: number, event: HawserEvent): EntryIdentity {
  const { resourceid, subject } = event;
  return { version, bytes, resourceid, subject, eventClass: eventClass(event.type) };
}

/** A pending entry of one resource that is on its way out. */
export interface OutgoingEntry extends PendingOfResource {
  readonly indexKey: string;
}

/** The rows of entries that are not acknowledged: the entry itself, its place in the index of its resource, and its share in the counters. */
export class PendingEntries {
  readonly #leases: LeaseTable;

  constructor(leases: LeaseTable) {
    this.#leases = leases;
  }

  /** Adds an entry, retained if it is a state with a subject, and tells the holder of the mailbox once it is committed. */
  add(
    tx: Transaction,
    peer: string,
    meta: Readonly<MailboxMeta>,
    version: number,
    encoded: EncodedEvent,
  ): MailboxMeta {
    const { event, text, bytes } = encoded;
    const kind = eventClass(event.type);
    const key = pendingKey(peer, version);
    tx.put(key, text);
    tx.put(
      pendingOfResourceKey(peer, event.resourceid, kind, version),
      encodePendingOfResource({ version, bytes }),
    );
    if (kind !== "command" && event.subject !== undefined) tx.put(sentKey(peer, event.subject), text);
    tx.afterCommit(() => {
      // A later item of the same commit may have superseded it.
      if (tx.writes(key)) this.#leases.entryAdded(peer, { version, event, bytes });
    });
    return { ...meta, pending: meta.pending + 1, bytes: meta.bytes + bytes };
  }

  /** Takes an entry out; retained state is left alone. */
  remove(tx: Transaction, peer: string, meta: Readonly<MailboxMeta>, outgoing: OutgoingEntry): MailboxMeta {
    tx.remove(pendingKey(peer, outgoing.version));
    tx.remove(outgoing.indexKey);
    tx.afterCommit(() => this.#leases.entryRemoved(peer, outgoing.version));
    return { ...meta, pending: meta.pending - 1, bytes: meta.bytes - outgoing.bytes };
  }

  outgoing(peer: string, entry: EntryIdentity): OutgoingEntry {
    const { version, bytes, resourceid, eventClass: kind } = entry;
    return { version, bytes, indexKey: pendingOfResourceKey(peer, resourceid, kind, version) };
  }

  /** The entries that an event of class `newer` of this resource makes pointless. */
  async supersededBy(
    tx: Transaction,
    peer: string,
    resourceid: string,
    newer: EventClass,
  ): Promise<readonly OutgoingEntry[]> {
    if (newer === "command") return [];
    if (newer !== "delete") return this.#statesOf(tx, peer, resourceid, (older) => supersedes(newer, older));
    const keyPrefix = pendingOfResourcePrefix(peer, resourceid);
    const rows = await tx.range(prefixRange(keyPrefix, ALL_ROWS));
    return rows
      .filter(([key]) => supersedes(newer, classOfKey(key, keyPrefix)))
      .map(([key, value]) => ({ ...decodePendingOfResource(value, key), indexKey: key }));
  }

  /** Pending state of a resource: at most one entry per class. */
  statesOf(tx: Transaction, peer: string, resourceid: string): Promise<readonly OutgoingEntry[]> {
    return this.#statesOf(tx, peer, resourceid, () => true);
  }

  /** An entry as the disk has it, undefined when it is not pending. */
  async identity(tx: Transaction, peer: string, version: number): Promise<EntryIdentity | undefined> {
    const key = pendingKey(peer, version);
    const text = await tx.get(key);
    if (text === undefined) return undefined;
    return identify(version, Buffer.byteLength(text), decodeEvent(text, key));
  }

  async #statesOf(
    tx: Transaction,
    peer: string,
    resourceid: string,
    wanted: (kind: EventClass) => boolean,
  ): Promise<readonly OutgoingEntry[]> {
    const found: OutgoingEntry[] = [];
    for (const kind of STATE_CLASSES) {
      if (!wanted(kind)) continue;
      const indexKey = pendingOfResourceKey(peer, resourceid, kind, 0);
      const row = await tx.get(indexKey);
      if (row !== undefined) found.push({ ...decodePendingOfResource(row, indexKey), indexKey });
    }
    return found;
  }
}
