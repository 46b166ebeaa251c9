import { eventClass, formatVersion, HawserError, type EventDraft, type HawserEvent } from "@hawser/protocol";
import type { CommitItem, FailedOutcome, ReadPlan } from "../commit/write.js";
import { encodeEvent, type EncodedEvent } from "../layout/event-text.js";
import type { IdempotencyRing, RingStep } from "./idempotency-ring.js";
import { pendingStateKey, sentKey, type StateClass } from "../layout/keys.js";
import type { AppendAnswers } from "./append-answers.js";
import type { Append, Appended, MailboxLimits } from "../contract/mailbox.js";
import type { PeerTable } from "../commit/peer-table.js";
import type { OutgoingEntry, PendingEntries } from "./pending-entries.js";
import { assertStays } from "./removal-mark.js";
import { agentRemoved } from "../contract/tombstone.js";
import type { RetainedRows } from "./retained-rows.js";
import type { MailboxMeta } from "../layout/counters.js";
import type { Transaction } from "../commit/transaction.js";

type Refused = Extract<Appended, { ok: false }>;

/** What appending needs of its store. */
export interface AppendContext {
  readonly limits: MailboxLimits;
  readonly peers: PeerTable;
  readonly entries: PendingEntries;
  readonly retained: RetainedRows;
  readonly ring: IdempotencyRing;
}

export function refused(reason: Refused["reason"], error: HawserError): Refused {
  return { ok: false, reason, error };
}

/**
 * The draft with its version. A spread with one property more would give every single event a hidden class of its own (V8 11 and 12), which takes a microsecond
 * and a kilobyte, and makes everything that touches the event later slow.
 */
function numbered(draft: EventDraft, version: number): HawserEvent {
  return Object.assign({}, draft, { eventid: formatVersion(version) });
}

/** One event on its way into one mailbox. */
export class AppendItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #append: Append;
  /** The classes of pending states that this event makes pointless. */
  readonly #supersedes: readonly StateClass[];
  readonly #context: AppendContext;
  readonly #answers: AppendAnswers;
  readonly #index: number;

  /** @param index of the item in the caller's batch; told with the answer */
  constructor(append: Append, context: AppendContext, answers: AppendAnswers, index: number) {
    this.#append = append;
    this.#peer = append.peer;
    this.#supersedes = context.entries.supersededClasses(eventClass(append.event.type));
    this.#context = context;
    this.#answers = answers;
    this.#index = index;
  }

  reads(plan: ReadPlan): void {
    const { peer, event, idempotencyKey: key, expectedVersion } = this.#append;
    if (key !== undefined) this.#context.ring.reads(plan, peer, key);
    if (expectedVersion !== undefined && event.subject !== undefined)
      plan.keys.add(sentKey(peer, event.subject));
    for (const kind of this.#supersedes) {
      plan.keys.add(pendingStateKey(peer, event.resourceid, kind));
    }
  }

  apply(tx: Transaction): Promise<void> | void {
    assertStays(tx, this.#peer);
    const tombstone = tx.tombstone(this.#peer);
    if (tombstone !== undefined)
      return this.#refuse(tx, refused("removed", agentRemoved(this.#peer, tombstone)));
    const { idempotencyKey, expectedVersion } = this.#append;
    const reads =
      idempotencyKey !== undefined || expectedVersion !== undefined || this.#supersedes.length > 0;
    // A plain command depends on nothing that lies on the disk.
    return reads ? this.#applyAfterReading(tx) : this.#accept(tx, [], undefined);
  }

  async #applyAfterReading(tx: Transaction): Promise<void> {
    const { peer, event, idempotencyKey: key } = this.#append;
    const { ring, entries, limits } = this.#context;
    const known = key === undefined ? undefined : await ring.find(tx, peer, key);
    if (known !== undefined) {
      tx.afterCommit(() => this.#answers.add({ ok: true, version: known, duplicate: true }, this.#index));
      return;
    }
    const conflict = await this.#conflict(tx);
    if (conflict !== undefined) return this.#refuse(tx, conflict);

    const superseded = await entries.states(tx, peer, event.resourceid, this.#supersedes);
    const meta = tx.mailboxOrNew(peer, limits.maxPeers);
    const planned = key !== undefined && meta !== undefined;
    const step = planned ? await ring.plan(tx, peer, meta, key, meta.position + 1) : undefined;
    this.#accept(tx, superseded, step);
  }

  /** Reads nothing any more, and changes nothing before it is sure. */
  #accept(tx: Transaction, superseded: readonly OutgoingEntry[], step: RingStep | undefined): void {
    const { peer, event } = this.#append;
    const { ring, entries, limits } = this.#context;
    const meta = tx.mailboxOrNew(peer, limits.maxPeers);
    if (meta === undefined) return this.#refuse(tx, this.#noRoomForPeer());
    const version = meta.position + 1;
    const encoded = encodeEvent(numbered(event, version));
    const full = this.#full(meta, superseded, encoded);
    if (full !== undefined) return this.#refuse(tx, full);
    const draft = tx.draft(peer, step === undefined ? meta : ring.apply(tx, step));
    for (const entry of superseded) entries.remove(tx, peer, draft, entry);
    entries.add(tx, peer, draft, version, encoded);
    tx.afterCommit(() => this.#answers.add({ ok: true, version, duplicate: false }, this.#index));
  }

  failed(error: HawserError, outcome: FailedOutcome): void {
    this.#answers.add(refused(outcome === "unknown" ? "unknown" : "unavailable", error), this.#index);
  }

  #refuse(tx: Transaction, answer: Refused): void {
    tx.afterCommit(() => this.#answers.add(answer, this.#index));
  }

  /** A retained delete has a version like any state, and counts as nothing for whoever expects nothing: what was deleted can be made anew. */
  async #conflict(tx: Transaction): Promise<Refused | undefined> {
    const { peer, event, expectedVersion: expected } = this.#append;
    if (expected === undefined) return undefined;
    const { subject } = event;
    const sent = subject === undefined ? undefined : await this.#context.retained.sent(tx, peer, subject);
    const actual = sent?.version ?? 0;
    if (actual === expected) return undefined;
    if (expected === 0 && sent !== undefined && eventClass(sent.event.type) === "delete") return undefined;
    const found = actual === 0 ? "there is none" : `it is at version ${actual}`;
    const wanted = expected === 0 ? "no state" : `version ${expected}`;
    const message = `expected ${wanted} of ${subject ?? "an event without subject"}, but ${found}`;
    return refused("conflict", new HawserError("conflict", message, this.#about()));
  }

  #full(
    meta: Readonly<MailboxMeta>,
    superseded: readonly OutgoingEntry[],
    encoded: EncodedEvent,
  ): Refused | undefined {
    const { maxEntries, maxBytes } = this.#context.limits;
    const entries = meta.pending + meta.deadLetters - superseded.length + 1;
    const bytes = superseded.reduce((sum, entry) => sum - entry.bytes, meta.bytes) + encoded.bytes;
    if (entries <= maxEntries && bytes <= maxBytes) return undefined;
    const held = `${meta.pending} pending and ${meta.deadLetters} dead letters, ${meta.bytes} bytes`;
    const message = `the mailbox of ${this.#append.peer} is full (${held}; limits ${maxEntries} entries, ${maxBytes} bytes)`;
    return refused("full", new HawserError("mailbox_full", message, this.#about()));
  }

  #noRoomForPeer(): Refused {
    const { maxPeers } = this.#context.limits;
    const message = `no mailbox for ${this.#append.peer}: the store holds ${maxPeers}, its limit (maxPeers)`;
    return refused("full", new HawserError("mailbox_full", message, this.#about()));
  }

  #about(): { readonly agent: string; readonly resource_id: string } {
    return { agent: this.#append.peer, resource_id: this.#append.event.resourceid };
  }
}
