import type { OpenDisk } from "../disk/disk.js";
import {
  decodeForgotten,
  decodeInboxMeta,
  decodeMailboxMeta,
  NOTHING_FORGOTTEN,
  type Forgotten,
  type InboxMeta,
  type MailboxMeta,
} from "../layout/counters.js";
import { CONTROL_KEYS, metaRange, peerOfMetaKey } from "../layout/keys.js";
import { decodeTombstone, type TombstoneRow } from "../layout/rows.js";

const PAGE = 1_000;

/** A run of a process that uses the store. Two runs are two clients, also under one name. */
export interface StoreClient {
  readonly name: string;
}

/**
 * One client has had the mailbox of a peer to itself. The tenure ends with a claim of another
 * client, the removal of the peer and the stop of the store. Each lease carries its own: under an
 * ended one nothing is written, and what the client knew is obsolete.
 */
export interface Tenure {
  readonly client: StoreClient;
  /** The client was given the inbox, and so what it holds in memory is complete. */
  isKnown: boolean;
  /** When somebody was last known to hold the mailbox, Unix milliseconds. */
  seenAt: number;
}

/**
 * The counters of every peer, as committed: a few hundred bytes of memory each, and all that is
 * held of peers that are away.
 */
export class PeerTable {
  readonly tenures = new Map<string, Tenure>();
  /** Of peers that were removed. */
  forgotten: Forgotten = NOTHING_FORGOTTEN;
  readonly #mailboxes = new Map<string, Readonly<MailboxMeta>>();
  readonly #inboxes = new Map<string, Readonly<InboxMeta>>();
  readonly #tombstones = new Map<string, TombstoneRow>();
  /** Versions of commits with unknown outcome: never assigned again. */
  readonly #tried = new Map<string, number>();
  readonly #onChanged: (peer: string) => void;
  #sums = { pending: 0, deadLetters: 0, bytes: 0 };

  /** @param onChanged gets each peer whose counters changed */
  constructor(onChanged: (peer: string) => void = () => {}) {
    this.#onChanged = onChanged;
  }

  get mailboxes(): ReadonlyMap<string, Readonly<MailboxMeta>> {
    return this.#mailboxes;
  }

  get inboxes(): ReadonlyMap<string, Readonly<InboxMeta>> {
    return this.#inboxes;
  }

  /** The oldest first. */
  get tombstones(): ReadonlyMap<string, TombstoneRow> {
    return this.#tombstones;
  }

  /** Over all mailboxes. */
  get sums(): Pick<MailboxMeta, "pending" | "deadLetters" | "bytes"> {
    return this.#sums;
  }

  setMailbox(peer: string, meta: Readonly<MailboxMeta>): void {
    this.#count(this.#mailboxes.get(peer), -1);
    this.#count(meta, 1);
    this.#mailboxes.set(peer, meta);
    this.#onChanged(peer);
  }

  #count(meta: Readonly<MailboxMeta> | undefined, sign: 1 | -1): void {
    if (meta === undefined) return;
    this.#sums.pending += sign * meta.pending;
    this.#sums.deadLetters += sign * meta.deadLetters;
    this.#sums.bytes += sign * meta.bytes;
  }

  setInbox(peer: string, meta: Readonly<InboxMeta>): void {
    this.#inboxes.set(peer, meta);
  }

  /** @param row undefined: there is none any more */
  setTombstone(peer: string, row: TombstoneRow | undefined): void {
    this.#tombstones.delete(peer);
    if (row !== undefined) this.#tombstones.set(peer, row);
  }

  /** Nothing of the peer is left. */
  drop(peer: string): void {
    this.#count(this.#mailboxes.get(peer), -1);
    this.#mailboxes.delete(peer);
    this.#inboxes.delete(peer);
    this.tenures.delete(peer);
    this.#onChanged(peer);
  }

  /** The next version to assign is above this. */
  triedVersion(peer: string): number {
    return this.#tried.get(peer) ?? 0;
  }

  setTriedVersion(peer: string, version: number): void {
    this.#tried.set(peer, Math.max(version, this.triedVersion(peer)));
  }

  /** Replaces all counters by those on the disk. Throws before it replaces any. */
  async load(disk: OpenDisk): Promise<void> {
    const mailboxes = await readTable(disk, "mailbox", decodeMailboxMeta);
    const inboxes = await readTable(disk, "inboxMeta", decodeInboxMeta);
    const tombstones = await readTable(disk, "tombstone", decodeTombstone);
    const [forgotten] = await disk.get([CONTROL_KEYS.forgotten]);
    this.forgotten =
      forgotten === undefined ? NOTHING_FORGOTTEN : decodeForgotten(forgotten, CONTROL_KEYS.forgotten);
    for (const table of [this.#mailboxes, this.#inboxes, this.#tombstones]) table.clear();
    this.#sums = { pending: 0, deadLetters: 0, bytes: 0 };
    for (const [peer, meta] of mailboxes) {
      this.#mailboxes.set(peer, meta);
      this.#count(meta, 1);
    }
    for (const [peer, meta] of inboxes) this.#inboxes.set(peer, meta);
    tombstones.sort(([, a], [, b]) => a.number - b.number);
    for (const [peer, row] of tombstones) this.#tombstones.set(peer, row);
  }
}

async function readTable<T>(
  disk: OpenDisk,
  table: "mailbox" | "inboxMeta" | "tombstone",
  decode: (value: string, key: string) => T,
): Promise<[peer: string, row: T][]> {
  const found: [string, T][] = [];
  for (;;) {
    const rows = await disk.range(metaRange(table, PAGE, found.at(-1)?.[0]));
    for (const [key, value] of rows) found.push([peerOfMetaKey(key), decode(value, key)]);
    if (rows.length < PAGE) return found;
  }
}
