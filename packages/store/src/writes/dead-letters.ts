import { eventClass, formatVersion, HawserError, type HawserEvent } from "@hawser/protocol";
import { refused, type AppendContext } from "./append.js";
import type { CommitItem, FailedOutcome, ReadPlan } from "../commit/write.js";
import { decodeEvent, encodeEvent, entryPlace } from "../layout/event-text.js";
import { deadLetterKey } from "../layout/keys.js";
import type { Appended, DeadLetter, DeadLetterReason } from "../contract/mailbox.js";
import { identify } from "../layout/entry-identity.js";
import type { OutgoingEntry } from "./pending-entries.js";
import { assertStays } from "./removal-mark.js";
import { decodeDeadLetter, encodeDeadLetter } from "../layout/rows.js";
import type { Transaction } from "../commit/transaction.js";

/** A pending entry becomes a dead letter: it keeps its room in the mailbox and its version. */
export class DeadLetterItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #version: number;
  readonly #reason: DeadLetterReason;
  readonly #context: AppendContext;
  readonly #done: (wasPending: boolean) => void;
  readonly #failed: (error: HawserError) => void;

  constructor(
    target: { readonly peer: string; readonly version: number; readonly reason: DeadLetterReason },
    context: AppendContext,
    done: (wasPending: boolean) => void,
    failed: (error: HawserError) => void,
  ) {
    this.#peer = target.peer;
    this.#version = target.version;
    this.#reason = target.reason;
    this.#context = context;
    this.#done = done;
    this.#failed = failed;
  }

  reads(plan: ReadPlan): void {
    plan.entries.push({ peer: this.#peer, version: this.#version });
  }

  async apply(tx: Transaction): Promise<void> {
    const { entries } = this.#context;
    const text = await tx.entry(this.#peer, this.#version);
    const meta = tx.mailbox(this.#peer);
    if (text === undefined || meta === undefined) return tx.afterCommit(() => this.#done(false));
    const bytes = Buffer.byteLength(text);
    const entry = identify(this.#version, bytes, decodeEvent(text, entryPlace(this.#peer, this.#version)));
    const draft = tx.draft(this.#peer, meta);
    entries.remove(tx, this.#peer, draft, entries.outgoing(this.#peer, entry));
    tx.put(deadLetterKey(this.#peer, this.#version), encodeDeadLetter(text, this.#reason));
    draft.deadLetters += 1;
    draft.bytes += bytes;
    tx.afterCommit(() => this.#done(true));
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }
}

/** A dead letter gets another chance: a new version at the end of its mailbox. */
export class RequeueItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #version: number;
  readonly #context: AppendContext;
  readonly #answer: (appended: Appended) => void;

  constructor(peer: string, version: number, context: AppendContext, answer: (appended: Appended) => void) {
    this.#peer = peer;
    this.#version = version;
    this.#context = context;
    this.#answer = answer;
  }

  reads(plan: ReadPlan): void {
    plan.keys.add(deadLetterKey(this.#peer, this.#version));
  }

  async apply(tx: Transaction): Promise<void> {
    const peer = this.#peer;
    assertStays(tx, peer);
    const { entries } = this.#context;
    const key = deadLetterKey(peer, this.#version);
    const value = await tx.get(key);
    const meta = tx.mailbox(peer);
    if (value === undefined || meta === undefined) return this.#refuse(tx, "not_found", "there is none");
    const letter = decodeDeadLetter(value, this.#version, key);
    const { resourceid, type } = letter.event;
    const classes = entries.supersededClasses(eventClass(type));
    const superseded = await entries.states(tx, peer, resourceid, classes);
    const objection = await this.#objection(tx, letter.event, superseded);
    if (objection !== undefined) return this.#refuse(tx, "conflict", objection);
    const version = meta.position + 1;
    const encoded = encodeEvent({ ...sentAgain(letter), eventid: formatVersion(version) });

    tx.remove(key);
    const draft = tx.draft(peer, meta);
    draft.deadLetters -= 1;
    draft.bytes -= letter.bytes;
    for (const entry of superseded) entries.remove(tx, peer, draft, entry);
    entries.add(tx, peer, draft, version, encoded);
    tx.afterCommit(() => this.#answer({ ok: true, version, duplicate: false }));
  }

  failed(error: HawserError, outcome: FailedOutcome): void {
    this.#answer(refused(outcome === "unknown" ? "unknown" : "unavailable", error));
  }

  /** Why sending this one again would undo what was said since; undefined when it would not. */
  async #objection(
    tx: Transaction,
    event: HawserEvent,
    superseded: readonly OutgoingEntry[],
  ): Promise<string | undefined> {
    const { subject } = event;
    const isState = eventClass(event.type) !== "command" && subject !== undefined;
    const sent = isState ? await this.#context.retained.sent(tx, this.#peer, subject) : undefined;
    const newer = Math.max(sent?.version ?? 0, ...superseded.map((entry) => entry.version));
    if (newer > this.#version) return `version ${newer} of the same state is newer`;
    // The newest state of a subject is retained, refused or not, until a delete is acknowledged.
    return isState && sent === undefined ? "its resource was deleted since" : undefined;
  }

  #refuse(tx: Transaction, code: "not_found" | "conflict", why: string): void {
    const message = `dead letter ${this.#version} of ${this.#peer} is not sent again: ${why}`;
    const error = new HawserError(code, message, { agent: this.#peer, event_id: String(this.#version) });
    tx.afterCommit(() => this.#answer(refused("conflict", error)));
  }
}

/** Whoever sends again what had expired wants it to arrive; with its time it would expire once more, at once. */
function sentAgain({ event, reason }: DeadLetter): HawserEvent {
  if (reason.code !== "expired") return event;
  const { expirytime: _, ...lasting } = event;
  return lasting;
}
