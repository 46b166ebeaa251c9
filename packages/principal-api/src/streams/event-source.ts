import type { EventJournal } from "./event-journal.js";
import { stepJson } from "./event-step.js";
import type { StreamGap } from "./stream-observer.js";
import { serverSentEvent, serverSentId, type StreamPiece, type StreamSource } from "./stream-source.js";

/** Handed to the connection at a time. */
const CHUNK_LENGTH = 65_536;

export interface EventSourceOptions {
  /** Steps of this agent alone. */
  readonly agent: string | undefined;
  /** Where the reader was; undefined begins with what happens from now on. */
  readonly lastEventId: string | undefined;
  /** The reader is told that it did not, or may not have, heard of everything. */
  readonly onGap?: (reason: StreamGap) => void;
}

/** What somebody asks for who wants all there is: no id was ever this one, and nothing is missed. */
const BEFORE_EVERYTHING = "0-0";

/**
 * One reader's place in the journal. Nothing is copied for it: it reads from the ring, and one that falls behind by more than half of it is told `lagged` and let go, early enough to
 * resume without a gap. While it reads what was there before it came, it may be behind by all of it.
 */
export class EventStreamSource implements StreamSource {
  readonly #journal: EventJournal;
  readonly #agent: string | undefined;
  readonly #onGap: (reason: StreamGap) => void;
  /** The next step to tell; undefined: whatever is the oldest when the reader begins to read. */
  #next: number | undefined;
  #greeted = false;
  #caughtUp = false;

  constructor(journal: EventJournal, { agent, lastEventId, onGap = () => {} }: EventSourceOptions) {
    this.#journal = journal;
    this.#agent = agent;
    this.#onGap = onGap;
    const last = lastEventId === undefined ? journal.newest : journal.sequenceOf(lastEventId);
    if (last !== undefined) this.#next = last + 1;
    else if (lastEventId !== BEFORE_EVERYTHING) onGap("unknown_id");
  }

  get position(): string | undefined {
    return this.#next === undefined ? undefined : this.#journal.id(this.#next - 1);
  }

  next(): StreamPiece {
    const journal = this.#journal;
    const greeting = this.#greeting();
    const from = (this.#next ??= journal.oldest);
    const behind = journal.newest - from + 1;
    if (behind > (this.#caughtUp ? journal.capacity / 2 : journal.capacity)) {
      const message = "read too slowly; resume with Last-Event-ID";
      this.#onGap("lagged");
      return { kind: "end", text: greeting + serverSentEvent("lagged", { message, behind }) };
    }
    const text = greeting + this.#read(from);
    if (this.#next > journal.newest) this.#caughtUp = true;
    return text === "" ? { kind: "idle" } : { kind: "text", text };
  }

  onceReady(wake: () => void): () => void {
    return this.#journal.onceAdded(wake);
  }

  close(): void {}

  #greeting(): string {
    if (this.#greeted) return "";
    this.#greeted = true;
    if (this.position !== undefined) return serverSentId(this.position);
    const message =
      "the id is of another life of this principal, or its steps are forgotten; these are all there are";
    return serverSentEvent("gap", { message }, this.#journal.id(this.#journal.oldest - 1));
  }

  /** Steps of interest from there on, as many as go at a time. */
  #read(from: number): string {
    let text = "";
    let sequence = from;
    for (; sequence <= this.#journal.newest && text.length < CHUNK_LENGTH; sequence += 1) {
      const step = this.#journal.at(sequence);
      if (step === undefined || (this.#agent !== undefined && step.agent !== this.#agent)) continue;
      text += serverSentEvent(step.name, stepJson(step), this.#journal.id(sequence));
    }
    this.#next = sequence;
    return text;
  }
}
