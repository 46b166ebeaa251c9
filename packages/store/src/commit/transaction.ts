import type { Changes, Entry, EntryName, EntryRange, KeyRange, OpenDisk, Row } from "../disk/disk.js";
import { CONTROL_KEYS, inboxMetaKey, mailboxKey, tombstoneKey } from "../layout/keys.js";
import type { PeerTable, Tenure } from "./peer-table.js";
import {
  encodeForgotten,
  encodeInboxMeta,
  encodeMailboxMeta,
  newInboxMeta,
  newMailboxMeta,
  type Forgotten,
  type InboxMeta,
  type MailboxMeta,
} from "../layout/counters.js";
import { encodeTombstone, type TombstoneRow } from "../contract/tombstone.js";

/** What an entry takes besides its text, roughly. */
const ENTRY_OVERHEAD = 32;

type ByPeer = Map<string, Map<number, string | undefined>>;

function within(all: ByPeer, peer: string): Map<number, string | undefined> {
  let found = all.get(peer);
  if (found === undefined) {
    found = new Map();
    all.set(peer, found);
  }
  return found;
}

/**
 * One commit in the making: changes over the disk that see each other, drafts of the counters they touch, and what is to happen once they
 * are on disk. Dropping it undoes everything.
 */
export class Transaction {
  /** Rough size of what will be written. */
  bytes = 0;
  /** Counts changes, to tell whether an item that failed had begun to make some. */
  revision = 0;
  readonly #disk: OpenDisk;
  readonly #peers: PeerTable;
  readonly #changes = new Map<string, string | undefined>();
  readonly #known = new Map<string, string | undefined>();
  readonly #entries = new Map<string, Map<number, string | undefined>>();
  readonly #knownEntries = new Map<string, Map<number, string | undefined>>();
  readonly #mailboxes = new Map<string, MailboxMeta>();
  readonly #inboxes = new Map<string, Readonly<InboxMeta>>();
  readonly #effects: (() => void)[] = [];
  readonly #claimed = new Set<string>();
  /** Peers of which nothing is left, unless something is set for them again. */
  readonly #dropped = new Set<string>();
  readonly #tombstones = new Map<string, TombstoneRow | undefined>();
  #forgotten: Forgotten | undefined;
  /** How many more there will be. */
  #newMailboxes = 0;
  #newInboxes = 0;

  constructor(disk: OpenDisk, peers: PeerTable) {
    this.#disk = disk;
    this.#peers = peers;
  }

  /** Reads many keys in one go, so that `get` of them need not wait. */
  async prefetch(keys: ReadonlySet<string>): Promise<void> {
    if (keys.size === 0) return;
    const list = [...keys];
    const values = await this.#disk.get(list);
    list.forEach((key, index) => this.#known.set(key, values[index]));
  }

  get(key: string): string | undefined | Promise<string | undefined> {
    if (this.#changes.has(key)) return this.#changes.get(key);
    if (this.#known.has(key)) return this.#known.get(key);
    return this.#disk.get([key]).then(([value]) => value);
  }

  /** Reads many entries in one go, so that `entry` of them need not wait. */
  async prefetchEntries(wanted: readonly EntryName[]): Promise<void> {
    if (wanted.length === 0) return;
    const texts = await this.#disk.getEntries(wanted);
    wanted.forEach(({ peer, version }, index) => within(this.#knownEntries, peer).set(version, texts[index]));
  }

  /** The text of a pending entry as it will be. */
  entry(peer: string, version: number): string | undefined | Promise<string | undefined> {
    const changed = this.#entries.get(peer);
    if (changed?.has(version) === true) return changed.get(version);
    const known = this.#knownEntries.get(peer);
    if (known?.has(version) === true) return known.get(version);
    return this.#disk.getEntries([{ peer, version }]).then(([text]) => text);
  }

  /** Which of these versions of one mailbox will be pending. */
  async pendingOf(peer: string, versions: readonly number[]): Promise<ReadonlySet<number>> {
    const changed = this.#entries.get(peer);
    const found = await this.#disk.hasEntries(versions.map((version) => ({ peer, version })));
    return new Set(
      versions.filter((version, index) =>
        changed?.has(version) === true ? changed.get(version) !== undefined : found[index],
      ),
    );
  }

  /** True when this commit leaves the entry pending. */
  writesEntry(peer: string, version: number): boolean {
    return this.#entries.get(peer)?.get(version) !== undefined;
  }

  /** The entries of a range that will be left, the `last` version of it that was read, and whether the disk has no more of it. `limit` counts those on disk. */
  async entryPage(
    range: EntryRange,
  ): Promise<{ readonly entries: readonly Entry[]; readonly last: number; readonly isLast: boolean }> {
    const found = await this.#disk.rangeEntries(range);
    const { peer, after, limit, maxLength = Number.POSITIVE_INFINITY } = range;
    const length = found.reduce((sum, { text }) => sum + text.length, 0);
    const isLast = found.length < limit && length < maxLength;
    const last = found.at(-1)?.version ?? after;
    const merged = new Map(found.map(({ version, text }) => [version, text]));
    for (const [version, text] of this.#entries.get(peer) ?? []) {
      if (version <= after) continue;
      if (text === undefined) merged.delete(version);
      else merged.set(version, text);
    }
    return { entries: [...merged].map(([version, text]) => ({ version, text })), last, isLast };
  }

  putEntry(peer: string, version: number, text: string): void {
    this.revision++;
    within(this.#entries, peer).set(version, text);
    this.bytes += ENTRY_OVERHEAD + text.length;
  }

  removeEntry(peer: string, version: number): void {
    this.revision++;
    within(this.#entries, peer).set(version, undefined);
    this.bytes += ENTRY_OVERHEAD;
  }

  /** The rows of a range as they will be. `limit` counts those on disk. */
  async range(range: KeyRange): Promise<readonly Row[]> {
    return (await this.page(range)).rows;
  }

  /** As `range`. `isLast`: the disk has no more of it, however many of its rows this commit removes. */
  async page(range: KeyRange): Promise<{ readonly rows: readonly Row[]; readonly isLast: boolean }> {
    const found = await this.#disk.range(range);
    const { limit, maxLength = Number.POSITIVE_INFINITY } = range;
    const length = found.reduce((sum, [, value]) => sum + value.length, 0);
    const isLast = found.length < limit && length < maxLength;
    const merged = new Map(found);
    for (const [key, value] of this.#changes) {
      if (key < range.from || key >= range.before) continue;
      if (value === undefined) merged.delete(key);
      else merged.set(key, value);
    }
    return { rows: [...merged], isLast };
  }

  put(key: string, value: string): void {
    this.revision++;
    this.#changes.set(key, value);
    this.bytes += key.length + value.length;
  }

  remove(key: string): void {
    this.revision++;
    this.#changes.set(key, undefined);
    this.bytes += key.length;
  }

  /** The counters of a mailbox as they will be, if there is one. */
  mailbox(peer: string): Readonly<MailboxMeta> | undefined {
    const draft = this.#mailboxes.get(peer);
    if (draft !== undefined) return draft;
    if (this.#dropped.has(peer)) return undefined;
    const committed = this.#peers.mailbox(peer);
    if (committed === undefined) return undefined;
    const tried = this.#peers.triedPosition(peer);
    return tried > committed.position ? { ...committed, position: tried } : committed;
  }

  /** As `mailbox`, or those of a new one; undefined at the limit of peers. A new one exists once it is set. */
  mailboxOrNew(peer: string, maxPeers: number): Readonly<MailboxMeta> | undefined {
    const found = this.mailbox(peer);
    if (found !== undefined) return found;
    if (this.#peers.mailboxCount + this.#newMailboxes >= maxPeers) return undefined;
    const made = newMailboxMeta(this.forgotten);
    const position = Math.max(made.position, this.#peers.triedPosition(peer));
    return { ...made, position, base: position };
  }

  /** The counters of a mailbox to be changed in place: a draft that this commit has, or one made from `from`. */
  draft(peer: string, from: Readonly<MailboxMeta>): MailboxMeta {
    const known = this.#mailboxes.get(peer);
    if (known === from) {
      this.revision++;
      return known;
    }
    const made = { ...from };
    this.setMailbox(peer, made);
    return made;
  }

  /** @param meta which from here on belongs to this commit */
  setMailbox(peer: string, meta: MailboxMeta): void {
    this.revision++;
    if (this.mailbox(peer) === undefined) this.#newMailboxes++;
    this.#mailboxes.set(peer, meta);
  }

  /** From this commit on somebody holds the mailbox. */
  claim(peer: string): void {
    this.#claimed.add(peer);
  }

  claims(peer: string): boolean {
    return this.#claimed.has(peer);
  }

  /** What peers may know of mailboxes that are not here any more. */
  get forgotten(): Forgotten {
    return this.#forgotten ?? this.#peers.forgotten;
  }

  /** Undefined where nobody has opened the mailbox since the store was started, or since the peer was removed. */
  tenure(peer: string): Tenure | undefined {
    return this.#dropped.has(peer) ? undefined : this.#peers.tenure(peer);
  }

  /** Nothing of the peer is left: its counters go, and what it may know of them is noted for those who come after it. */
  drop(peer: string): void {
    this.revision++;
    const mailbox = this.mailbox(peer);
    const inbox = this.inbox(peer);
    if (mailbox !== undefined) this.#newMailboxes--;
    if (inbox !== undefined) this.#newInboxes--;
    const { epoch, version, recorded } = this.forgotten;
    this.#forgotten = {
      // Where the peer counts the sessions, it is its number that it will claim.
      epoch: Math.max(epoch, mailbox?.epoch ?? 0, mailbox?.session ?? 0),
      version: Math.max(version, mailbox?.position ?? 0),
      recorded: Math.max(recorded, inbox?.recorded ?? 0),
    };
    this.#mailboxes.delete(peer);
    this.#inboxes.delete(peer);
    this.#dropped.add(peer);
  }

  /** That a peer was removed, as it will be known. */
  tombstone(peer: string): TombstoneRow | undefined {
    return this.#tombstones.has(peer) ? this.#tombstones.get(peer) : this.#peers.tombstone(peer);
  }

  /** It is remembered that the peer was removed. Of more than `most` the oldest is forgotten. */
  bury(peer: string, at: number, most: number): void {
    let [count, last] = [this.#peers.tombstoneCount, 0];
    for (const [, { number }] of this.#peers.tombstones()) last = Math.max(last, number);
    for (const [name, row] of this.#tombstones) {
      last = Math.max(last, row?.number ?? 0);
      count += (row === undefined ? 0 : 1) - (this.#peers.tombstone(name) === undefined ? 0 : 1);
    }
    if (this.tombstone(peer) === undefined) count += 1;
    this.#setTombstone(peer, { at, number: last + 1 });
    for (const [oldest] of this.#peers.tombstones()) {
      if (count <= most) return;
      if (this.#tombstones.has(oldest)) continue;
      this.#setTombstone(oldest, undefined);
      count -= 1;
    }
  }

  /** The peer may come again. False where it was not removed. */
  readmit(peer: string): boolean {
    if (this.tombstone(peer) === undefined) return false;
    this.#setTombstone(peer, undefined);
    return true;
  }

  #setTombstone(peer: string, row: TombstoneRow | undefined): void {
    this.#tombstones.set(peer, row);
    if (row === undefined) this.remove(tombstoneKey(peer));
    else this.put(tombstoneKey(peer), encodeTombstone(row));
  }

  /** What is known of a peer's own versions as it will be, if anything is. */
  inbox(peer: string): Readonly<InboxMeta> | undefined {
    return this.#inboxes.get(peer) ?? (this.#dropped.has(peer) ? undefined : this.#peers.inbox(peer));
  }

  /** What is known of a peer's own versions, as it will be; undefined at the limit of peers. */
  inboxOrNew(peer: string, maxPeers: number): Readonly<InboxMeta> | undefined {
    const found = this.inbox(peer);
    if (found !== undefined) return found;
    if (this.#peers.inboxCount + this.#newInboxes >= maxPeers) return undefined;
    return newInboxMeta(this.forgotten);
  }

  setInbox(peer: string, meta: Readonly<InboxMeta>): void {
    const known = this.inbox(peer);
    if (known === meta) return;
    this.revision++;
    if (known === undefined) this.#newInboxes++;
    this.#inboxes.set(peer, meta);
  }

  /** Runs `effect` once everything is on disk, in the order of these calls. */
  afterCommit(effect: () => void): void {
    this.#effects.push(effect);
  }

  /**
   * The finished batch, or undefined when there is nothing to write (unless `always`). `number` lets the disk tell later whether this very commit landed.
   */
  seal(number: number, always: boolean): Changes | undefined {
    for (const peer of this.#dropped) {
      this.remove(mailboxKey(peer));
      this.remove(inboxMetaKey(peer));
    }
    if (this.#forgotten !== undefined) this.put(CONTROL_KEYS.forgotten, encodeForgotten(this.#forgotten));
    for (const [peer, meta] of this.#mailboxes) this.put(mailboxKey(peer), encodeMailboxMeta(meta));
    for (const [peer, meta] of this.#inboxes) this.put(inboxMetaKey(peer), encodeInboxMeta(meta));
    if (this.#changes.size === 0 && this.#entries.size === 0 && !always) return undefined;
    this.put(CONTROL_KEYS.commit, String(number));
    return { rows: this.#changes, entries: this.#entries };
  }

  /** It is on disk: counters become visible, then effects run. */
  publish(): void {
    for (const peer of this.#dropped) this.#peers.drop(peer);
    if (this.#forgotten !== undefined) this.#peers.forgotten = this.#forgotten;
    for (const [peer, meta] of this.#mailboxes) this.#peers.setMailbox(peer, meta);
    for (const [peer, meta] of this.#inboxes) this.#peers.setInbox(peer, meta);
    for (const [peer, row] of this.#tombstones) this.#peers.setTombstone(peer, row);
    for (const effect of this.#effects) effect();
  }

  /** Nobody knows whether it is on disk. */
  abandon(): void {
    for (const [peer, meta] of this.#mailboxes) this.#peers.setTriedPosition(peer, meta.position);
  }
}
