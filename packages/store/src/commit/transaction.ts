import { HawserError } from "@hawser/protocol";
import type { Changes, OpenDisk } from "../disk/disk.js";
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
import { CONTROL_KEYS, inboxMetaKey, mailboxKey, tombstoneKey } from "../layout/keys.js";
import { encodeTombstone, type TombstoneRow } from "../layout/rows.js";
import { ChangeSet } from "./change-set.js";
import { MailboxDraft, type EntryHolders } from "./mailbox-draft.js";
import type { PeerTable, Tenure } from "./peer-table.js";

/** One commit in the making: its rows and entries, and drafts of the counters of peers. */
export class Transaction extends ChangeSet {
  readonly #peers: PeerTable;
  readonly #holders: EntryHolders;
  readonly #mailboxes = new Map<string, MailboxDraft>();
  readonly #inboxes = new Map<string, Readonly<InboxMeta>>();
  /** Peers of which nothing is left, unless something is set for them again. */
  readonly #dropped = new Set<string>();
  readonly #tombstones = new Map<string, TombstoneRow | undefined>();
  #forgotten: Forgotten | undefined;
  /** How many more there will be. */
  #newMailboxes = 0;
  #newInboxes = 0;

  constructor(disk: OpenDisk, peers: PeerTable, holders: EntryHolders) {
    super(disk);
    this.#peers = peers;
    this.#holders = holders;
  }

  mailboxOf(peer: string): MailboxDraft | undefined {
    const draft = this.#mailboxes.get(peer);
    if (draft !== undefined) return draft;
    const committed = this.#dropped.has(peer) ? undefined : this.#peers.mailboxes.get(peer);
    if (committed === undefined) return undefined;
    const tried = this.#peers.triedVersion(peer);
    const made = this.#draft(
      peer,
      tried > committed.lastVersion ? { ...committed, lastVersion: tried } : committed,
    );
    this.#mailboxes.set(peer, made);
    return made;
  }

  /** As `mailboxOf`, or a new one. Undefined at the limit of peers. */
  mailboxOrNew(peer: string, maxPeers: number): MailboxDraft | undefined {
    const found = this.mailboxOf(peer);
    if (found !== undefined) return found;
    if (this.#peers.mailboxes.size + this.#newMailboxes >= maxPeers) return undefined;
    const meta = newMailboxMeta(this.forgotten);
    const base = Math.max(meta.lastVersion, this.#peers.triedVersion(peer));
    const made = this.#draft(peer, { ...meta, lastVersion: base, base }, () => {
      this.#newMailboxes++;
      this.#mailboxes.set(peer, made);
    });
    return made;
  }

  #draft(peer: string, meta: Readonly<MailboxMeta>, onFirstChange = (): void => {}): MailboxDraft {
    return new MailboxDraft(peer, meta, this, this.#holders, onFirstChange);
  }

  /**
   * Refuses what would be lost with the rest.
   *
   * @throws HawserError `store_unavailable` while the mailbox of `peer` is being removed
   */
  assertStays(peer: string): void {
    if (this.mailboxOf(peer)?.counters.removing !== true) return;
    const message = `the mailbox of ${peer} is being removed; try again when it is gone`;
    throw new HawserError("store_unavailable", message, { agent: peer });
  }

  /** What peers may know of mailboxes that were removed. */
  get forgotten(): Forgotten {
    return this.#forgotten ?? this.#peers.forgotten;
  }

  /** Undefined where nobody opened the mailbox since the start or the removal of the peer. */
  tenure(peer: string): Tenure | undefined {
    return this.#dropped.has(peer) ? undefined : this.#peers.tenures.get(peer);
  }

  /** Removes the counters of a peer, and notes what the peer may know of them. */
  drop(peer: string): void {
    this.revision++;
    const mailbox = this.mailboxOf(peer)?.counters;
    const inbox = this.inbox(peer);
    if (mailbox !== undefined) this.#newMailboxes--;
    if (inbox !== undefined) this.#newInboxes--;
    const { epoch, version, recorded } = this.forgotten;
    this.#forgotten = {
      // Where the peer counts the sessions, it claims by its own number.
      epoch: Math.max(epoch, mailbox?.epoch ?? 0, mailbox?.session ?? 0),
      version: Math.max(version, mailbox?.lastVersion ?? 0),
      recorded: Math.max(recorded, inbox?.recorded ?? 0),
    };
    this.#mailboxes.delete(peer);
    this.#inboxes.delete(peer);
    this.#dropped.add(peer);
  }

  tombstone(peer: string): TombstoneRow | undefined {
    return this.#tombstones.has(peer) ? this.#tombstones.get(peer) : this.#peers.tombstones.get(peer);
  }

  /** Remembers that the peer was removed. Of more than `most` the oldest is forgotten. */
  bury(peer: string, at: number, most: number): void {
    let [count, last] = [this.#peers.tombstones.size, 0];
    for (const [, { number }] of this.#peers.tombstones) last = Math.max(last, number);
    for (const [name, row] of this.#tombstones) {
      last = Math.max(last, row?.number ?? 0);
      count += (row === undefined ? 0 : 1) - (this.#peers.tombstones.get(name) === undefined ? 0 : 1);
    }
    if (this.tombstone(peer) === undefined) count += 1;
    this.#setTombstone(peer, { at, number: last + 1 });
    for (const [oldest] of this.#peers.tombstones) {
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

  /** What is known of the peer's own versions. */
  inbox(peer: string): Readonly<InboxMeta> | undefined {
    return this.#inboxes.get(peer) ?? (this.#dropped.has(peer) ? undefined : this.#peers.inboxes.get(peer));
  }

  /** As `inbox`, or a new one. Undefined at the limit of peers. */
  inboxOrNew(peer: string, maxPeers: number): Readonly<InboxMeta> | undefined {
    const found = this.inbox(peer);
    if (found !== undefined) return found;
    if (this.#peers.inboxes.size + this.#newInboxes >= maxPeers) return undefined;
    return newInboxMeta(this.forgotten);
  }

  setInbox(peer: string, meta: Readonly<InboxMeta>): void {
    const known = this.inbox(peer);
    if (known === meta) return;
    this.revision++;
    if (known === undefined) this.#newInboxes++;
    this.#inboxes.set(peer, meta);
  }

  /**
   * The finished batch; undefined when there is nothing to write, unless `always`.
   *
   * @param number by which the disk can tell later whether this very commit landed
   */
  seal(number: number, always: boolean): Changes | undefined {
    for (const peer of this.#dropped) {
      this.remove(mailboxKey(peer));
      this.remove(inboxMetaKey(peer));
    }
    if (this.#forgotten !== undefined) this.put(CONTROL_KEYS.forgotten, encodeForgotten(this.#forgotten));
    for (const [peer, meta] of this.#changedMailboxes()) this.put(mailboxKey(peer), encodeMailboxMeta(meta));
    for (const [peer, meta] of this.#inboxes) this.put(inboxMetaKey(peer), encodeInboxMeta(meta));
    if (this.isEmpty && !always) return undefined;
    this.put(CONTROL_KEYS.commit, String(number));
    return this.changes;
  }

  /** It is on disk: counters become visible, then effects run. */
  override publish(): void {
    for (const peer of this.#dropped) this.#peers.drop(peer);
    if (this.#forgotten !== undefined) this.#peers.forgotten = this.#forgotten;
    for (const [peer, meta] of this.#changedMailboxes()) this.#peers.setMailbox(peer, meta);
    for (const [peer, meta] of this.#inboxes) this.#peers.setInbox(peer, meta);
    for (const [peer, row] of this.#tombstones) this.#peers.setTombstone(peer, row);
    super.publish();
  }

  /** Nobody knows whether it is on disk. */
  abandon(): void {
    for (const [peer, { lastVersion }] of this.#changedMailboxes())
      this.#peers.setTriedVersion(peer, lastVersion);
  }

  *#changedMailboxes(): Iterable<readonly [peer: string, meta: Readonly<MailboxMeta>]> {
    for (const [peer, draft] of this.#mailboxes) if (draft.isChanged) yield [peer, draft.counters];
  }
}
