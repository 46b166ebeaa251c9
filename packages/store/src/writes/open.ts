import { eventClass, HawserError, supersedes, type HawserEvent } from "@hawser/protocol";
import type { Acknowledgements } from "../mailbox/acknowledgements.js";
import type { CommitItem } from "../commit/write.js";
import { deadLetterKey, peerRange, pendingStateKey, sentKey } from "../layout/keys.js";
import { STATE_CLASSES } from "./pending-entries.js";
import { newInboxMeta, type MailboxMeta } from "../layout/counters.js";
import type { Claim, LeaseOptions } from "../contract/mailbox.js";
import { assertStays } from "./removal-mark.js";
import { standingOf, standingTowards, type Standing } from "../contract/rollback.js";
import {
  decodePendingState,
  decodeSent,
  encodePendingState,
  encodeSent,
  type SentRow,
} from "../layout/rows.js";
import { agentRemoved } from "../contract/tombstone.js";
import type { SettledInboxes } from "./inbox-sweeper.js";
import type { Transaction } from "../commit/transaction.js";

/** More rows than a peer has. */
const ALL_ROWS = 1_000_000_000;

/** What claiming a mailbox needs of its store. */
export interface OpenContext {
  readonly maxPeers: number;
  readonly settled: SettledInboxes;
  readonly acknowledgements: Acknowledgements;
}

/** Who claims, and for which store of this side. */
export interface OpenRequest {
  readonly peer: string;
  readonly claim: Claim;
  /** Name of the store. */
  readonly store: () => string;
}

/** A claim that is on disk. */
export interface Claimed {
  readonly epoch: number;
  readonly toldBefore: number;
  readonly standing: Standing;
  readonly continues: boolean;
  readonly options: LeaseOptions;
}

/** Somebody claims a mailbox: the epoch rises, and what a peer that lost its store has to hear again becomes pending. */
export class OpenItem implements CommitItem {
  readonly sync = true;
  readonly #request: OpenRequest;
  readonly #context: OpenContext;
  readonly #opened: (claimed: Claimed) => void;
  readonly #failed: (thrown: unknown) => void;
  /** Why the one who claims does not want it after all. */
  #objection: { readonly thrown: unknown } | undefined;

  constructor(
    request: OpenRequest,
    context: OpenContext,
    opened: (claimed: Claimed) => void,
    failed: (thrown: unknown) => void,
  ) {
    this.#request = request;
    this.#context = context;
    this.#opened = opened;
    this.#failed = failed;
  }

  get #peer(): string {
    return this.#request.peer;
  }

  async apply(tx: Transaction): Promise<void> {
    const peer = this.#peer;
    assertStays(tx, peer);
    const tombstone = tx.tombstone(peer);
    if (tombstone !== undefined) throw agentRemoved(peer, tombstone);
    const found = tx.mailbox(peer);
    const options = this.#ask(tx, standingOf(found, tx.inbox(peer), tx.forgotten));
    const continues = found !== undefined && (tx.tenure(peer) !== undefined || tx.claims(peer));
    const meta = found ?? this.#newMailbox(tx);
    const { peerStore, inboxForgotten = false } = options;
    const lostState = meta.peerStore !== "" && meta.peerStore !== peerStore;
    if (lostState) await this.#forgetVersions(tx);
    const counted = lostState || inboxForgotten ? await this.#tellAgain(tx, meta) : meta;
    const epoch = meta.epoch + 1;
    const claimed = { ...counted, epoch, peerStore, session: options.epoch ?? epoch, told: undefined };
    tx.setMailbox(peer, claimed);
    tx.claim(peer);
    if (options.epoch !== undefined) this.#joined(tx, options.epoch);
    const standing = standingTowards(claimed, tx.inbox(peer), tx.forgotten);
    const toldBefore = lostState ? 0 : (meta.told ?? meta.position);
    tx.afterCommit(() => this.#opened({ epoch, toldBefore, standing, continues, options }));
  }

  #ask(tx: Transaction, standing: Standing | undefined): LeaseOptions {
    const { claim, store } = this.#request;
    try {
      return claim({ store: store(), standing, forgotten: tx.forgotten });
    } catch (thrown) {
      this.#objection = { thrown };
      throw thrown;
    }
  }

  #newMailbox(tx: Transaction): Readonly<MailboxMeta> {
    const { maxPeers } = this.#context;
    const made = tx.mailboxOrNew(this.#peer, maxPeers);
    if (made !== undefined) return made;
    const message = `no mailbox for ${this.#peer}: the store holds ${maxPeers}, its limit (maxPeers)`;
    throw new HawserError("store_full", message, { agent: this.#peer });
  }

  failed(error: HawserError): void {
    this.#failed(this.#objection === undefined ? error : this.#objection.thrown);
  }

  /** Whoever gives the epoch has begun that session, and durably so. */
  #joined(tx: Transaction, epoch: number): void {
    const inbox = tx.inboxOrNew(this.#peer, this.#context.maxPeers);
    if (inbox !== undefined) tx.setInbox(this.#peer, { ...inbox, joined: epoch });
  }

  /** The peer's versions begin anew. */
  async #forgetVersions(tx: Transaction): Promise<void> {
    const peer = this.#peer;
    const rows = await tx.range(peerRange("inbox", peer, ALL_ROWS));
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
    const peer = this.#peer;
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
    const peer = this.#peer;
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
    const peer = this.#peer;
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
      const key = pendingStateKey(this.#peer, event.resourceid, kind);
      const row = await tx.get(key);
      if (row !== undefined && decodePendingState(row, key).version > version) return true;
    }
    return false;
  }
}
