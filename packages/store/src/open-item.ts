import { eventClass, HawserError, supersedes, type HawserEvent } from "@hawser/protocol";
import type { Acknowledgements } from "./acknowledgements.js";
import type { CommitItem } from "./commit-item.js";
import type { Row } from "./disk.js";
import { deadLetterKey, peerRange, pendingStateKey, sentKey } from "./keys.js";
import { STATE_CLASSES } from "./pending-entries.js";
import { newInboxMeta, type MailboxMeta } from "./counters.js";
import type { LeaseOptions } from "./mailbox.js";
import { assertStays } from "./removal-mark.js";
import { decodePendingState, decodeSent, encodePendingState, encodeSent, type SentRow } from "./rows.js";
import { agentRemoved } from "./tombstone.js";
import type { SettledInboxes } from "./settled-inboxes.js";
import type { Transaction } from "./transaction.js";

/** More rows than a peer has. */
const ALL_ROWS = 1_000_000_000;

/** What claiming a mailbox needs of its store. */
export interface OpenContext {
  readonly maxPeers: number;
  readonly settled: SettledInboxes;
  readonly acknowledgements: Acknowledgements;
}

/** Somebody claims a mailbox: the epoch rises, and what a peer that lost its store has to hear again becomes pending. */
export class OpenItem implements CommitItem {
  readonly sync = true;
  readonly opens: string;
  readonly #peerStore: string;
  readonly #epoch: number | undefined;
  readonly #inboxForgotten: boolean;
  readonly #context: OpenContext;
  readonly #opened: (epoch: number, toldBefore: number) => void;
  readonly #failed: (error: HawserError) => void;

  constructor(
    claim: { readonly peer: string } & LeaseOptions,
    context: OpenContext,
    opened: (epoch: number, toldBefore: number) => void,
    failed: (error: HawserError) => void,
  ) {
    this.opens = claim.peer;
    this.#peerStore = claim.peerStore;
    this.#epoch = claim.epoch;
    this.#inboxForgotten = claim.inboxForgotten ?? false;
    this.#context = context;
    this.#opened = opened;
    this.#failed = failed;
  }

  async apply(tx: Transaction): Promise<void> {
    const peer = this.opens;
    assertStays(tx, peer);
    const tombstone = tx.tombstone(peer);
    if (tombstone !== undefined) throw agentRemoved(peer, tombstone);
    const { maxPeers } = this.#context;
    const meta = tx.mailboxOrNew(peer, maxPeers);
    if (meta === undefined) {
      const message = `no mailbox for ${peer}: the store holds ${maxPeers}, its limit (maxPeers)`;
      throw new HawserError("store_full", message, { agent: peer });
    }
    const lostState = meta.peerStore !== "" && meta.peerStore !== this.#peerStore;
    // An inbox that is older than its mailbox is of a peer that had this name before.
    const hasFormerInbox = tx.mailbox(peer) === undefined && tx.inbox(peer) !== undefined;
    if (lostState || hasFormerInbox)
      this.#forgetVersions(tx, await tx.range(peerRange("inbox", peer, ALL_ROWS)));
    const counted = lostState || this.#inboxForgotten ? await this.#tellAgain(tx, meta) : meta;
    const epoch = meta.epoch + 1;
    const session = this.#epoch ?? epoch;
    tx.setMailbox(peer, { ...counted, epoch, peerStore: this.#peerStore, session, told: undefined });
    tx.claim(peer);
    if (this.#epoch !== undefined) this.#joined(tx, this.#epoch);
    const toldBefore = lostState ? 0 : (meta.told ?? meta.position);
    tx.afterCommit(() => this.#opened(epoch, toldBefore));
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }

  /** Whoever gives the epoch has begun that session, and durably so. */
  #joined(tx: Transaction, epoch: number): void {
    const inbox = tx.inboxOrNew(this.opens, this.#context.maxPeers);
    if (inbox !== undefined) tx.setInbox(this.opens, { ...inbox, joined: epoch });
  }

  /** The peer's versions begin anew. */
  #forgetVersions(tx: Transaction, rows: readonly Row[]): void {
    const peer = this.opens;
    for (const [key] of rows) tx.remove(key);
    const inbox = tx.inboxOrNew(peer, this.#context.maxPeers);
    if (inbox !== undefined) {
      const { incarnation, recorded } = inbox;
      tx.setInbox(peer, { ...newInboxMeta(), incarnation: incarnation + 1, recorded });
    }
    tx.afterCommit(() => this.#context.settled.reset(peer));
  }

  /** The peer has to hear all retained state again: newest first, so that what is overtaken shows. */
  async #tellAgain(tx: Transaction, meta: Readonly<MailboxMeta>): Promise<Readonly<MailboxMeta>> {
    const peer = this.opens;
    tx.afterCommit(() => this.#context.acknowledgements.forget(peer));
    const rows = await tx.range(peerRange("sent", peer, ALL_ROWS));
    const retained = rows.map(([key, value]) => decodeSent(value, key));
    retained.sort((a, b) => Number(b.event.eventid) - Number(a.event.eventid));
    await tx.prefetch(new Set(retained.flatMap(({ event }) => this.#keysAbout(event))));
    const versions = retained.map(({ event }) => Number(event.eventid));
    const pending = await tx.pendingOf(peer, versions);
    let next: Readonly<MailboxMeta> = { ...meta, peerRecorded: 0 };
    for (const encoded of retained)
      if (!pending.has(Number(encoded.event.eventid))) next = await this.#addAgain(tx, next, encoded);
    return next;
  }

  #keysAbout(event: HawserEvent): readonly string[] {
    const peer = this.opens;
    const version = Number(event.eventid);
    const states = STATE_CLASSES.map((kind) => pendingStateKey(peer, event.resourceid, kind));
    return [deadLetterKey(peer, version), ...states];
  }

  /** Caps are not asked: what was accepted once is not dropped. The new holder reads it, so nobody is told. */
  async #addAgain(
    tx: Transaction,
    meta: Readonly<MailboxMeta>,
    { event, text, bytes, givenUp }: SentRow,
  ): Promise<Readonly<MailboxMeta>> {
    const peer = this.opens;
    const version = Number(event.eventid);
    if (await this.#isOvertaken(tx, event, version)) return meta;
    const wasDeadLetter = (await tx.get(deadLetterKey(peer, version))) !== undefined;
    tx.putEntry(peer, version, text);
    if (givenUp !== undefined && event.subject !== undefined)
      tx.put(sentKey(peer, event.subject), encodeSent(text));
    const kind = eventClass(event.type);
    if (kind !== "command") {
      tx.put(pendingStateKey(peer, event.resourceid, kind), encodePendingState({ version, bytes }));
    }
    if (!wasDeadLetter) return { ...meta, pending: meta.pending + 1, bytes: meta.bytes + bytes };
    // It was refused once; the peer begins anew, so it gets its chance again.
    tx.remove(deadLetterKey(peer, version));
    return { ...meta, pending: meta.pending + 1, deadLetters: meta.deadLetters - 1 };
  }

  async #isOvertaken(tx: Transaction, event: HawserEvent, version: number): Promise<boolean> {
    const own = eventClass(event.type);
    for (const kind of STATE_CLASSES) {
      if (!supersedes(kind, own)) continue;
      const key = pendingStateKey(this.opens, event.resourceid, kind);
      const row = await tx.get(key);
      if (row !== undefined && decodePendingState(row, key).version > version) return true;
    }
    return false;
  }
}
