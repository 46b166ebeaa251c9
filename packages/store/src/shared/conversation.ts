import { HawserError } from "@hawser/protocol";
import type { Timer, Timers } from "@hawser/runtime";
import { GatheredNotes, type Note } from "./gathered-notes.js";
import type { Answer, Link } from "./link.js";
import type { Life } from "./life.js";
import type { SharedServer } from "./server.js";

/** How a client talks to its server. */
export interface Manners {
  /** A request that was not answered in this time counts as lost. */
  readonly requestTimeoutMs: number;
  /** Between looks for what was missed, which also tell that the client is alive. */
  readonly sweepMs: number;
  /** After so much silence from the server the client trusts nothing it holds. */
  readonly graceMs: number;
  /** How long a note waits for a request to go with. */
  readonly lazyFlushMs: number;
  /** Requests that may be under way; of more, each is answered `overloaded` at once. */
  readonly maxUnderWay: number;
}

export interface ConversationParts {
  readonly server: SharedServer;
  readonly link: Link;
  readonly life: Life;
  readonly timers: Timers;
  readonly manners: Manners;
  /** Looks for what was missed. */
  readonly sweep: () => Promise<void>;
  /** The server has been silent for too long, or is there again. */
  readonly reached: (isReached: boolean) => void;
}

/** What one life of a client says to the server, from its start to its stop. */
export class Conversation {
  readonly notes = new GatheredNotes(() => this.#noted());
  readonly life: Life;
  readonly #parts: ConversationParts;
  readonly #underWay = new Set<Promise<unknown>>();
  #isOpen = true;
  #isReached = true;
  /** Of the silence of the server; none while nothing is asked. */
  #grace: Timer | undefined;
  #lazy: Timer | undefined;
  #nextSweep: Timer | undefined;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.life = parts.life;
  }

  /** @returns the name of the store */
  async begin(): Promise<string> {
    const { server, life } = this.#parts;
    try {
      const id = await this.want(() => server.join(life));
      this.#sweepLater();
      return id;
    } catch (thrown) {
      this.end();
      throw thrown;
    }
  }

  /** Asks the server for something, which comes behind everything noted before. Never rejects. */
  async ask<T>(run: () => Promise<T>): Promise<Answer<T>> {
    const { maxUnderWay } = this.#parts.manners;
    if (!this.#isOpen) return refused("store_unavailable", "the store is closed; start it first");
    if (this.#underWay.size >= maxUnderWay)
      return refused("overloaded", `${maxUnderWay} requests wait for the store; try again later`);
    return this.#send(run);
  }

  /** @throws what the server threw; HawserError `store_unavailable` without an answer, `overloaded` */
  async want<T>(run: () => Promise<T>): Promise<T> {
    return answerOf(await this.ask(run));
  }

  /** Looks for what was missed now, and not only at its time. */
  sweepNow(): void {
    if (!this.#isOpen) return;
    this.#nextSweep?.cancel();
    this.#nextSweep = undefined;
    void this.#parts.sweep().then(() => this.#sweepLater());
  }

  /** What was asked is answered first. */
  async close(): Promise<void> {
    const { server, life } = this.#parts;
    this.#isOpen = false;
    await Promise.all(this.#underWay);
    await this.#send(() => server.members.leave(life));
    this.end();
  }

  /** Without a word. */
  end(): void {
    this.#isOpen = false;
    for (const timer of [this.#grace, this.#lazy, this.#nextSweep]) timer?.cancel();
    this.#grace = this.#lazy = this.#nextSweep = undefined;
  }

  #send<T>(run: () => Promise<T>): Promise<Answer<T>> {
    const { server, link, life, manners } = this.#parts;
    const notes = this.notes.take();
    this.#listen();
    const arrive = async (): Promise<T> => {
      server.members.heard(life);
      for (const { tell } of notes) tell();
      return run();
    };
    const asking = link.request(arrive, manners.requestTimeoutMs).then((answer) => {
      this.#underWay.delete(asking);
      this.#answered(answer, notes);
      return answer;
    });
    this.#underWay.add(asking);
    return asking;
  }

  #answered(answer: Answer<unknown>, notes: readonly Note[]): void {
    if (answer.kind === "unanswered") return this.notes.mayBeLost(notes);
    this.notes.arrived(notes);
    this.#grace?.cancel();
    this.#grace = undefined;
    if (!this.#isReached) this.#parts.reached((this.#isReached = true));
    if (this.#underWay.size > 0) this.#listen();
  }

  /** From now on something is to be heard. */
  #listen(): void {
    const { timers, manners, reached } = this.#parts;
    if (!this.#isOpen || !this.#isReached) return;
    this.#grace ??= timers.after(manners.graceMs, () => {
      this.#grace = undefined;
      reached((this.#isReached = false));
    });
  }

  #noted(): void {
    const { timers, manners } = this.#parts;
    if (!this.#isOpen) return;
    this.#lazy ??= timers.after(manners.lazyFlushMs, () => {
      this.#lazy = undefined;
      if (!this.notes.isEmpty) void this.#send(async () => {});
    });
  }

  #sweepLater(): void {
    if (!this.#isOpen || this.#nextSweep !== undefined) return;
    this.#nextSweep = this.#parts.timers.after(this.#parts.manners.sweepMs, () => this.sweepNow());
  }
}

function refused(code: "store_unavailable" | "overloaded", message: string): Answer<never> {
  return { kind: "refused", thrown: new HawserError(code, message) };
}

/** @throws what was thrown instead of an answer; HawserError `store_unavailable` where there is none */
export function answerOf<T>(answer: Answer<T>): T {
  switch (answer.kind) {
    case "value":
      return answer.value;
    case "refused":
      throw answer.thrown;
    case "unanswered":
      throw unreachable(answer.delivered);
  }
}

/** @param delivered whether it may have been carried out */
export function unreachable(delivered: boolean): HawserError {
  const what = delivered ? "it may have been done or not" : "nothing was done";
  return new HawserError("store_unavailable", `the store did not answer; ${what}; try again later`);
}
