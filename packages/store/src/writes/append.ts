import { eventClass, formatVersion, HawserError, type EventDraft, type HawserEvent } from "@hawser/protocol";
import {
  pendingStates,
  supersededClasses,
  type MailboxDraft,
  type PendingEntry,
} from "../commit/mailbox-draft.js";
import type { Transaction } from "../commit/transaction.js";
import type { CommitItem, FailedOutcome, ReadPlan } from "../commit/write.js";
import type { Append, Appended } from "../contract/mailbox.js";
import { agentRemoved } from "../contract/tombstone.js";
import { encodeEvent, type EncodedEvent } from "../layout/event-text.js";
import { pendingStateKey, sentKey, type StateClass } from "../layout/keys.js";
import type { WriteContext } from "./context.js";
import type { RingStep } from "./idempotency-ring.js";
import { sentState } from "./retained-rows.js";

type Refused = Extract<Appended, { ok: false }>;

export function refused(reason: Refused["reason"], error: HawserError): Refused {
  return { ok: false, reason, error };
}

/** The answer to an append that could not be written. */
export function notWritten(error: HawserError, outcome: FailedOutcome): Refused {
  return refused(outcome === "unknown" ? "unknown" : "unavailable", error);
}

/**
 * The draft with its version. A spread with one more property would give each event a hidden class
 * of its own (V8 11 and 12): a microsecond and a kilobyte each, and slower use later.
 */
function numbered(draft: EventDraft, version: number): HawserEvent {
  return Object.assign({}, draft, { eventid: formatVersion(version) });
}

/** Resolves once `count` appends were answered. An object, as thousands wait for one commit. */
export class AppendAnswers {
  readonly #all: Appended[] = [];
  readonly #resolve: (all: readonly Appended[]) => void;
  #missing: number;

  constructor(count: number, resolve: (all: readonly Appended[]) => void) {
    this.#missing = count;
    this.#resolve = resolve;
    if (count === 0) resolve([]);
  }

  /** @param index of the append in its batch */
  add(appended: Appended, index: number): void {
    this.#all[index] = appended;
    this.#missing -= 1;
    if (this.#missing === 0) this.#resolve(this.#all);
  }
}

/** Appends one event. Not a `Write`, which would cost each of thousands a promise and closures. */
export class AppendWrite implements CommitItem {
  readonly sync = true;
  readonly #append: Append;
  /** The classes of pending states that this event supersedes. */
  readonly #supersedes: readonly StateClass[];
  readonly #context: WriteContext;
  readonly #answers: AppendAnswers;
  readonly #index: number;

  /** @param index of the item in the caller's batch; it goes with the answer */
  constructor(append: Append, context: WriteContext, answers: AppendAnswers, index: number) {
    this.#append = append;
    this.#supersedes = supersededClasses(eventClass(append.event.type));
    this.#context = context;
    this.#answers = answers;
    this.#index = index;
  }

  reads(plan: ReadPlan): void {
    const { peer, event, idempotencyKey: key, expectedVersion } = this.#append;
    if (key !== undefined) this.#context.ring.reads(plan, peer, key);
    if (expectedVersion !== undefined && event.subject !== undefined)
      plan.keys.add(sentKey(peer, event.subject));
    for (const kind of this.#supersedes) plan.keys.add(pendingStateKey(peer, event.resourceid, kind));
  }

  apply(tx: Transaction): Promise<void> | void {
    const { peer, idempotencyKey, expectedVersion } = this.#append;
    tx.assertStays(peer);
    const tombstone = tx.tombstone(peer);
    if (tombstone !== undefined) return this.#answer(tx, refused("removed", agentRemoved(peer, tombstone)));
    const reads =
      idempotencyKey !== undefined || expectedVersion !== undefined || this.#supersedes.length > 0;
    // A plain command depends on nothing that lies on the disk.
    return reads ? this.#applyAfterReading(tx) : this.#accept(tx, [], undefined);
  }

  async #applyAfterReading(tx: Transaction): Promise<void> {
    const { peer, event, idempotencyKey: key } = this.#append;
    const { ring, limits } = this.#context;
    const known = key === undefined ? undefined : await ring.find(tx, peer, key);
    if (known !== undefined) return this.#answer(tx, { ok: true, version: known, duplicate: true });
    const conflict = await this.#conflict(tx);
    if (conflict !== undefined) return this.#answer(tx, conflict);

    const superseded = await pendingStates(tx, peer, event.resourceid, this.#supersedes);
    const mailbox = key === undefined ? undefined : tx.mailboxOrNew(peer, limits.maxPeers);
    const step =
      key === undefined || mailbox === undefined
        ? undefined
        : await ring.plan(tx, peer, mailbox.counters, key, mailbox.counters.lastVersion + 1);
    this.#accept(tx, superseded, step);
  }

  /** Reads nothing more, and changes nothing before it is sure. */
  #accept(tx: Transaction, superseded: readonly PendingEntry[], step: RingStep | undefined): void {
    const { peer, event } = this.#append;
    const mailbox = tx.mailboxOrNew(peer, this.#context.limits.maxPeers);
    if (mailbox === undefined) return this.#answer(tx, this.#noRoomForPeer());
    const version = mailbox.counters.lastVersion + 1;
    const encoded = encodeEvent(numbered(event, version));
    const full = this.#full(mailbox, superseded, encoded);
    if (full !== undefined) return this.#answer(tx, full);
    if (step !== undefined) this.#context.ring.apply(tx, mailbox, step);
    for (const entry of superseded) mailbox.removePending(entry);
    mailbox.append(version, encoded);
    this.#answer(tx, { ok: true, version, duplicate: false });
  }

  failed(error: HawserError, outcome: FailedOutcome): void {
    this.#answers.add(notWritten(error, outcome), this.#index);
  }

  #answer(tx: Transaction, answer: Appended): void {
    tx.afterCommit(() => this.#answers.add(answer, this.#index));
  }

  /** A retained delete matches its version and 0: a deleted resource can be created again. */
  async #conflict(tx: Transaction): Promise<Refused | undefined> {
    const { peer, event, expectedVersion: expected } = this.#append;
    if (expected === undefined) return undefined;
    const { subject } = event;
    const sent = subject === undefined ? undefined : await sentState(tx, peer, subject);
    const actual = sent?.version ?? 0;
    if (actual === expected) return undefined;
    if (expected === 0 && sent !== undefined && eventClass(sent.event.type) === "delete") return undefined;
    const found = actual === 0 ? "there is none" : `it is at version ${actual}`;
    const wanted = expected === 0 ? "no state" : `version ${expected}`;
    const message = `expected ${wanted} of ${subject ?? "an event without subject"}, but ${found}`;
    return refused("conflict", new HawserError("conflict", message, this.#about()));
  }

  #full(
    { counters }: MailboxDraft,
    superseded: readonly PendingEntry[],
    encoded: EncodedEvent,
  ): Refused | undefined {
    const { maxEntries, maxBytes } = this.#context.limits;
    const entries = counters.pending + counters.deadLetters - superseded.length + 1;
    const bytes = superseded.reduce((sum, entry) => sum - entry.bytes, counters.bytes) + encoded.bytes;
    if (entries <= maxEntries && bytes <= maxBytes) return undefined;
    const held = `${counters.pending} pending and ${counters.deadLetters} dead letters, ${counters.bytes} bytes`;
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
