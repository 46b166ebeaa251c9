import { eventClass, supersedes, type EventDraft, type HawserEvent } from "@hawser/protocol";
import type { Clock } from "@hawser/runtime";
import type { MailboxLimits } from "../contract/limits.js";
import type { Append } from "../contract/mailbox.js";
import type { GivenUp, RetainedState } from "../contract/retained.js";

interface Kept {
  readonly version: number;
  readonly event: HawserEvent;
}

/** What a store has to answer for one peer, written as plainly as possible: no indexes, no laziness, no disk. */
export class ModelPeer {
  position = 0;
  pending: Kept[] = [];
  deadLetters: Kept[] = [];
  sent = new Map<string, Kept>();
  received = new Map<string, Kept>();
  /** Entries that somebody gave up, and how. */
  givenUp = new Map<Kept, GivenUp>();
  applied = new Map<string, number>();
  begun = new Map<string, { version: number; attempts: number }>();
  settled = 0;
  keys = new Map<string, { readonly version: number; readonly ordinal: number; readonly atMs: number }>();
  keyCount = 0;
  peerStore: string | undefined;

  constructor(
    readonly limits: Pick<MailboxLimits, "maxEntries" | "maxIdempotencyKeys" | "maxIdempotencyAgeMs">,
    readonly clock: Clock,
  ) {}

  /** The version, `duplicate` of one, or why not. */
  append({ event, idempotencyKey: key, expectedVersion: expected }: Append): number | string {
    const known = key === undefined ? undefined : this.#known(key);
    if (known !== undefined) return `duplicate of ${known}`;
    if (expected !== undefined && !this.#expects(event, expected)) return "conflict";
    const kept = this.pending.filter((entry) => !this.#superseded(event, entry));
    if (kept.length + this.deadLetters.length + 1 > this.limits.maxEntries) return "full";
    this.pending = kept;
    return this.#add(event, key);
  }

  acknowledge(version: number): void {
    const entry = this.#take(version);
    if (entry !== undefined && eventClass(entry.event.type) === "delete") this.#forgetDeleted(entry);
  }

  deadLetter(version: number): void {
    const entry = this.#take(version);
    if (entry !== undefined) this.deadLetters = [...this.deadLetters, entry].toSorted(byVersion);
  }

  requeue(version: number): number | string {
    const letter = this.deadLetters.find((entry) => entry.version === version);
    if (letter === undefined) return "not_found";
    const { event } = letter;
    const kind = eventClass(event.type);
    const rivals = this.pending.filter(
      (entry) => this.#superseded(event, entry) && eventClass(entry.event.type) !== "command",
    );
    const retained = kind === "command" ? undefined : this.sent.get(event.subject ?? "");
    if ([...rivals, ...(retained ? [retained] : [])].some((entry) => entry.version > version))
      return "conflict";
    // Nothing is retained of what was deleted since.
    if (kind !== "command" && event.subject !== undefined && retained === undefined) return "conflict";
    this.deadLetters = this.deadLetters.filter((entry) => entry !== letter);
    this.pending = this.pending.filter((entry) => !this.#superseded(event, entry));
    return this.#add(event, undefined);
  }

  discard(version: number): boolean {
    const letter = this.deadLetters.find((entry) => entry.version === version);
    if (letter === undefined) return false;
    this.deadLetters = this.deadLetters.filter((entry) => entry !== letter);
    if (eventClass(letter.event.type) === "delete") this.#forgetDeleted(letter);
    else this.givenUp.set(letter, "discarded");
    return true;
  }

  /** The entries that go. */
  purge(subject: string | undefined): readonly Kept[] {
    const gone = this.pending.filter((entry) => subject === undefined || this.#isOf(subject, entry));
    this.pending = this.pending.filter((entry) => !gone.includes(entry));
    for (const entry of gone) {
      if (eventClass(entry.event.type) === "delete") this.#forgetDeleted(entry);
      else this.givenUp.set(entry, "purged");
    }
    return gone;
  }

  refusal(entry: Kept): RetainedState["refusal"] {
    if (this.deadLetters.includes(entry)) return "dead_letter";
    return this.givenUp.get(entry);
  }

  keep(event: HawserEvent, version: number): void {
    const { subject = "" } = event;
    if ((this.received.get(subject)?.version ?? 0) <= version) this.received.set(subject, { version, event });
  }

  forgetSubject(resourceid: string, subject: string): void {
    for (const map of [this.sent, this.received]) {
      if (map.get(subject)?.event.resourceid === resourceid) map.delete(subject);
    }
    this.pending = this.pending.filter(
      ({ event }) => event.resourceid !== resourceid || eventClass(event.type) === "command",
    );
  }

  recorded(resourceid: string, version: number): void {
    this.applied.set(resourceid, Math.max(version, this.applied.get(resourceid) ?? 0));
  }

  open(peerStore: string): void {
    const lost = this.peerStore !== undefined && this.peerStore !== peerStore;
    this.peerStore = peerStore;
    if (!lost) return;
    this.givenUp.clear();
    this.applied.clear();
    this.begun.clear();
    this.settled = 0;
    // Versions of another life compare with nothing.
    for (const [subject, { event }] of this.received) this.received.set(subject, { version: 0, event });
    for (const entry of this.sent.values()) {
      if (this.pending.some(({ version }) => version === entry.version)) continue;
      this.pending = [...this.pending, entry].toSorted(byVersion);
      this.deadLetters = this.deadLetters.filter(({ version }) => version !== entry.version);
    }
  }

  /** What a command is about it says by its `resourceid` alone. */
  #isOf(subject: string, { event }: Kept): boolean {
    if (event.subject === subject) return true;
    const states = this.pending.filter((entry) => eventClass(entry.event.type) !== "command");
    const known = [...states, this.sent.get(subject), this.received.get(subject)];
    return known.some(
      (kept) => kept?.event.subject === subject && kept.event.resourceid === event.resourceid,
    );
  }

  #add(draft: EventDraft, key: string | undefined): number {
    const version = ++this.position;
    const entry = { version, event: { ...draft, eventid: String(version) } };
    this.pending.push(entry);
    if (eventClass(draft.type) !== "command" && draft.subject !== undefined)
      this.sent.set(draft.subject, entry);
    if (key !== undefined) {
      this.keys.set(key, { version, ordinal: this.keyCount, atMs: this.clock.wallTime() });
      this.keyCount += 1;
    }
    return version;
  }

  /** A key counts while its event is pending, and then by number and age. */
  #known(key: string): number | undefined {
    const known = this.keys.get(key);
    if (known === undefined) return undefined;
    const { version, ordinal, atMs } = known;
    if (this.pending.some((entry) => entry.version === version)) return version;
    const { maxIdempotencyKeys, maxIdempotencyAgeMs } = this.limits;
    const isYoung = this.clock.wallTime() - atMs <= maxIdempotencyAgeMs;
    return isYoung && this.keyCount - ordinal <= maxIdempotencyKeys ? version : undefined;
  }

  #forgetDeleted({ version, event: { subject = "", resourceid } }: Kept): void {
    const sent = this.sent.get(subject);
    if (sent?.event.resourceid === resourceid && sent.version <= version) this.sent.delete(subject);
    if (this.received.get(subject)?.event.resourceid === resourceid) this.received.delete(subject);
  }

  #expects(event: EventDraft, expected: number): boolean {
    const sent = this.sent.get(event.subject ?? "");
    if ((sent?.version ?? 0) === expected) return true;
    return expected === 0 && sent !== undefined && eventClass(sent.event.type) === "delete";
  }

  #superseded(by: EventDraft, entry: Kept): boolean {
    const sameResource = entry.event.resourceid === by.resourceid;
    return sameResource && supersedes(eventClass(by.type), eventClass(entry.event.type));
  }

  #take(version: number): Kept | undefined {
    const entry = this.pending.find((candidate) => candidate.version === version);
    this.pending = this.pending.filter((candidate) => candidate !== entry);
    return entry;
  }
}

function byVersion(a: Kept, b: Kept): number {
  return a.version - b.version;
}
