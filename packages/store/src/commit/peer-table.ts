import type { OpenDisk } from "../disk/disk.js";
import { CONTROL_KEYS, metaRange, peerOfMetaKey } from "../layout/keys.js";
import {
  decodeForgotten,
  decodeInboxMeta,
  decodeMailboxMeta,
  NOTHING_FORGOTTEN,
  type Forgotten,
  type InboxMeta,
  type MailboxMeta,
} from "../layout/counters.js";
import { decodeTombstone, type TombstoneRow } from "../layout/rows.js";

const PAGE = 1_000;

/**
 * This process has had the mailbox of a peer to itself since it first opened it. It ends when the peer is removed and when the store stops: what was known under it is worth nothing
 * then, so each lease carries its own.
 */
export interface Tenure {
  /** When somebody was last known to hold the mailbox, Unix milliseconds. */
  seenAt: number;
}

/**
 * What is counted per peer, as committed: the only thing held in memory for peers that are away, a few hundred bytes each.
 */
export class PeerTable {
  #mailboxes = new Map<string, Readonly<MailboxMeta>>();
  #inboxes = new Map<string, Readonly<InboxMeta>>();
  readonly #tenures = new Map<string, Tenure>();
  readonly #onChanged: (peer: string) => void;
  #pending = 0;
  #deadLetters = 0;
  #bytes = 0;
  /** Versions that were tried in commits whose outcome nobody knows: never given out again. */
  readonly #tried = new Map<string, number>();
  /** Of peers that were removed, the oldest first. */
  #tombstones = new Map<string, TombstoneRow>();
  /** What was kept of peers that are not here any more. */
  forgotten: Forgotten = NOTHING_FORGOTTEN;

  /** @param onChanged is told whose mailbox has other counters */
  constructor(onChanged: (peer: string) => void = () => {}) {
    this.#onChanged = onChanged;
  }

  /** Over all mailboxes. */
  get sums(): Pick<MailboxMeta, "pending" | "deadLetters" | "bytes"> {
    return { pending: this.#pending, deadLetters: this.#deadLetters, bytes: this.#bytes };
  }

  get mailboxCount(): number {
    return this.#mailboxes.size;
  }

  get inboxCount(): number {
    return this.#inboxes.size;
  }

  mailbox(peer: string): Readonly<MailboxMeta> | undefined {
    return this.#mailboxes.get(peer);
  }

  inbox(peer: string): Readonly<InboxMeta> | undefined {
    return this.#inboxes.get(peer);
  }

  setMailbox(peer: string, meta: Readonly<MailboxMeta>): void {
    this.#count(this.#mailboxes.get(peer), -1);
    this.#count(meta, 1);
    this.#mailboxes.set(peer, meta);
    this.#onChanged(peer);
  }

  #count(meta: Readonly<MailboxMeta> | undefined, sign: 1 | -1): void {
    if (meta === undefined) return;
    this.#pending += sign * meta.pending;
    this.#deadLetters += sign * meta.deadLetters;
    this.#bytes += sign * meta.bytes;
  }

  tenure(peer: string): Tenure | undefined {
    return this.#tenures.get(peer);
  }

  setTenure(peer: string, tenure: Tenure): void {
    this.#tenures.set(peer, tenure);
  }

  /** Somebody else may open the store from here on. */
  endTenures(): void {
    this.#tenures.clear();
  }

  setInbox(peer: string, meta: Readonly<InboxMeta>): void {
    this.#inboxes.set(peer, meta);
  }

  get tombstoneCount(): number {
    return this.#tombstones.size;
  }

  tombstone(peer: string): TombstoneRow | undefined {
    return this.#tombstones.get(peer);
  }

  /** The oldest first. */
  tombstones(): Iterable<readonly [peer: string, row: TombstoneRow]> {
    return this.#tombstones;
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
    this.#tenures.delete(peer);
    this.#onChanged(peer);
  }

  /** Mailboxes in which nothing was ever kept. */
  unused(): readonly string[] {
    return [...this.#mailboxes].filter(([, meta]) => meta.lastVersion === meta.base).map(([peer]) => peer);
  }

  /** The counters of every mailbox, by its peer. */
  mailboxes(): Iterable<readonly [peer: string, meta: Readonly<MailboxMeta>]> {
    return this.#mailboxes;
  }

  /** Mailboxes whose removal has begun. */
  beingRemoved(): readonly string[] {
    return [...this.#mailboxes].filter(([, meta]) => meta.removing).map(([peer]) => peer);
  }

  /** The lowest version that may be given out next is above this. */
  triedVersion(peer: string): number {
    return this.#tried.get(peer) ?? 0;
  }

  setTriedVersion(peer: string, version: number): void {
    this.#tried.set(peer, Math.max(version, this.triedVersion(peer)));
  }

  /** Reads both tables anew. */
  async load(disk: OpenDisk): Promise<void> {
    const mailboxes = new Map<string, MailboxMeta>();
    const inboxes = new Map<string, InboxMeta>();
    await eachMeta(disk, "mailbox", (peer, value, key) => mailboxes.set(peer, decodeMailboxMeta(value, key)));
    await eachMeta(disk, "inboxMeta", (peer, value, key) => inboxes.set(peer, decodeInboxMeta(value, key)));
    const tombstones: [string, TombstoneRow][] = [];
    await eachMeta(disk, "tombstone", (peer, value, key) =>
      tombstones.push([peer, decodeTombstone(value, key)]),
    );
    tombstones.sort(([, a], [, b]) => a.number - b.number);
    const [forgotten] = await disk.get([CONTROL_KEYS.forgotten]);
    this.forgotten =
      forgotten === undefined ? NOTHING_FORGOTTEN : decodeForgotten(forgotten, CONTROL_KEYS.forgotten);
    this.#tombstones = new Map(tombstones);
    this.#mailboxes = mailboxes;
    [this.#pending, this.#deadLetters, this.#bytes] = [0, 0, 0];
    for (const meta of mailboxes.values()) this.#count(meta, 1);
    this.#inboxes = inboxes;
  }
}

async function eachMeta(
  disk: OpenDisk,
  table: "mailbox" | "inboxMeta" | "tombstone",
  take: (peer: string, value: string, key: string) => void,
): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const rows = await disk.range(metaRange(table, PAGE, after));
    for (const [key, value] of rows) {
      after = peerOfMetaKey(key);
      take(after, value, key);
    }
    if (rows.length < PAGE) return;
  }
}
