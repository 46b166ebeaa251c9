import type { OpenDisk } from "./disk.js";
import { CONTROL_KEYS, metaRange, peerOfMetaKey } from "./keys.js";
import {
  decodeForgotten,
  decodeInboxMeta,
  decodeMailboxMeta,
  NOTHING_FORGOTTEN,
  type Forgotten,
  type InboxMeta,
  type MailboxMeta,
} from "./counters.js";
import { decodeTombstone, type TombstoneRow } from "./tombstone.js";

const PAGE = 1_000;

/**
 * What is counted per peer, as committed: the only thing held in memory for peers that are away, a few hundred bytes each.
 */
export class PeerTable {
  #mailboxes = new Map<string, Readonly<MailboxMeta>>();
  #inboxes = new Map<string, Readonly<InboxMeta>>();
  /** Positions that were tried in commits whose outcome nobody knows: never given out again. */
  readonly #tried = new Map<string, number>();
  /** Of peers that were removed, the oldest first. */
  #tombstones = new Map<string, TombstoneRow>();
  /** What was kept of peers that are not here any more. */
  forgotten: Forgotten = NOTHING_FORGOTTEN;

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
    this.#mailboxes.set(peer, meta);
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
    this.#mailboxes.delete(peer);
    this.#inboxes.delete(peer);
  }

  /** Mailboxes in which nothing was ever kept. */
  unused(): readonly string[] {
    return [...this.#mailboxes].filter(([, meta]) => meta.position === meta.base).map(([peer]) => peer);
  }

  /** The counters of every mailbox, by its peer. */
  mailboxes(): Iterable<readonly [peer: string, meta: Readonly<MailboxMeta>]> {
    return this.#mailboxes;
  }

  /** Mailboxes whose removal has begun. */
  beingRemoved(): readonly string[] {
    return [...this.#mailboxes].filter(([, meta]) => meta.removing).map(([peer]) => peer);
  }

  /** The lowest position that may be given out next is above this. */
  triedPosition(peer: string): number {
    return this.#tried.get(peer) ?? 0;
  }

  setTriedPosition(peer: string, position: number): void {
    this.#tried.set(peer, Math.max(position, this.triedPosition(peer)));
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
