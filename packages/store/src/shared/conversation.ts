import { HawserError } from "@hawser/protocol";
import type { Timer, Timers } from "@hawser/runtime";
import { MAX_GATHERED } from "../mailbox/acknowledgements.js";
import type { Answer } from "./network.js";
import type { ClientRun } from "./server-lease.js";
import type { SharedServer } from "./server.js";

/** How a client of a shared engine talks to the server. */
export interface SharedClientTiming {
  /** A request that was not answered in this time counts as lost. @default 5_000 */
  readonly requestTimeoutMs: number;
  /** Between looks for missed notifications, which also show that it is alive. @default 2_000 */
  readonly sweepMs: number;
  /** After so much silence of the server holders hear `lost("unreachable")`. @default 10_000 */
  readonly graceMs: number;
  /** How long acknowledgements wait for a request to go with. @default 50 */
  readonly lazyFlushMs: number;
  /** Requests that may be under way. Further ones are answered `overloaded`. @default 65_536 */
  readonly maxUnderWay: number;
}

export interface ConversationParts {
  readonly server: SharedServer;
  readonly run: ClientRun;
  readonly timers: Timers;
  readonly timing: SharedClientTiming;
  /** Looks for missed notifications. */
  readonly sweep: () => Promise<void>;
  /** The server has been silent for too long, or answers again. */
  readonly reached: (isReached: boolean) => void;
}

/** Something the server is to know and nobody waits for. Running it twice is the same as once. */
interface Note {
  readonly number: number;
  /** Runs at the server. */
  readonly tell: () => void;
}

/**
 * The requests of one run of a client, from its start to its stop. Notes (acknowledgements, settled
 * versions, mailboxes in use) go with the next request, or by themselves, and again until they have
 * arrived. So a request never overtakes an earlier note.
 */
export class Conversation {
  readonly run: ClientRun;
  readonly #parts: ConversationParts;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #notes: Note[] = [];
  #noteCount = 0;
  #notesUnderWay = 0;
  #isOpen = true;
  #isReached = true;
  /** Measures the silence of the server; none while nothing is asked. */
  #grace: Timer | undefined;
  #lazy: Timer | undefined;
  #nextSweep: Timer | undefined;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.run = parts.run;
  }

  /** @returns the name of the store */
  async begin(): Promise<string> {
    try {
      const id = await this.want(() => this.#parts.server.join(this.run));
      this.#sweepLater();
      return id;
    } catch (thrown) {
      this.end();
      throw thrown;
    }
  }

  /** Runs this at the server, behind everything noted before. Never rejects. */
  async ask<T>(request: () => Promise<T>): Promise<Answer<T>> {
    const { maxUnderWay } = this.#parts.timing;
    if (!this.#isOpen) return { kind: "refused", thrown: closed() };
    if (this.#underWay.size < maxUnderWay) return this.#send(request);
    const message = `${maxUnderWay} requests wait for the store; try again later`;
    return { kind: "refused", thrown: new HawserError("overloaded", message) };
  }

  /** @throws what the server threw; HawserError `store_unavailable` without answer, `overloaded` */
  async want<T>(request: () => Promise<T>): Promise<T> {
    return answerOf(await this.ask(request));
  }

  /** At `MAX_GATHERED`, further notes are dropped: a lost acknowledgement costs a resend. */
  noteIfRoom(tell: () => void): void {
    if (this.#notes.length + this.#notesUnderWay < MAX_GATHERED) this.note(tell);
  }

  /** For ends of leases and uses, which must not be dropped, and are no more than those. */
  note(tell: () => void): void {
    this.#notes.push({ number: (this.#noteCount += 1), tell });
    this.#noted();
  }

  /** Looks for missed notifications now. */
  sweepNow(): void {
    if (!this.#isOpen) return;
    this.#nextSweep?.cancel();
    this.#nextSweep = undefined;
    void this.#parts.sweep().then(() => this.#sweepLater());
  }

  /** Requests under way are answered first. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await Promise.all(this.#underWay);
    await this.#send(() => this.#parts.server.leave(this.run));
    this.end();
  }

  /** Without a message to the server. */
  end(): void {
    this.#isOpen = false;
    for (const timer of [this.#grace, this.#lazy, this.#nextSweep]) timer?.cancel();
    this.#grace = this.#lazy = this.#nextSweep = undefined;
  }

  #send<T>(request: () => Promise<T>): Promise<Answer<T>> {
    const { server, timing } = this.#parts;
    const notes = this.#notes.splice(0);
    this.#notesUnderWay += notes.length;
    this.#expectAnswer();
    const arrive = async (): Promise<T> => {
      server.heard(this.run);
      for (const { tell } of notes) tell();
      return request();
    };
    const asking = this.run.client.link.request(arrive, timing.requestTimeoutMs).then((answer) => {
      this.#underWay.delete(asking);
      this.#answered(answer, notes);
      return answer;
    });
    this.#underWay.add(asking);
    return asking;
  }

  #answered(answer: Answer<unknown>, notes: readonly Note[]): void {
    this.#notesUnderWay -= notes.length;
    if (answer.kind === "unanswered") return this.#noteAgain(notes);
    this.#grace?.cancel();
    this.#grace = undefined;
    if (!this.#isReached) this.#parts.reached((this.#isReached = true));
    if (this.#underWay.size > 0) this.#expectAnswer();
  }

  /** These may be lost. */
  #noteAgain(notes: readonly Note[]): void {
    if (notes.length === 0) return;
    for (const note of notes) this.#notes.push(note);
    this.#notes.sort((a, b) => a.number - b.number);
    this.#noted();
  }

  #expectAnswer(): void {
    const { timers, timing, reached } = this.#parts;
    if (!this.#isOpen || !this.#isReached) return;
    this.#grace ??= timers.after(timing.graceMs, () => {
      this.#grace = undefined;
      reached((this.#isReached = false));
    });
  }

  #noted(): void {
    const { timers, timing } = this.#parts;
    if (!this.#isOpen) return;
    this.#lazy ??= timers.after(timing.lazyFlushMs, () => {
      this.#lazy = undefined;
      if (this.#notes.length > 0) void this.#send(async () => {});
    });
  }

  #sweepLater(): void {
    if (!this.#isOpen || this.#nextSweep !== undefined) return;
    this.#nextSweep = this.#parts.timers.after(this.#parts.timing.sweepMs, () => this.sweepNow());
  }
}

export function closed(): HawserError {
  return new HawserError("store_unavailable", "the store is closed; start it first");
}

/** @throws what was thrown instead of an answer; HawserError `store_unavailable` without one */
export function answerOf<T>(answer: Answer<T>): T {
  if (answer.kind === "value") return answer.value;
  throw answer.kind === "refused" ? answer.thrown : unreachable(answer.delivered);
}

/** @param delivered whether it may have been carried out */
export function unreachable(delivered: boolean): HawserError {
  const what = delivered ? "it may have been done or not" : "nothing was done";
  return new HawserError("store_unavailable", `the store did not answer; ${what}; try again later`);
}
