import { Inbox, type Ending, type InboxBudget } from "@hawser/delivery";
import { HawserError, sizeOf, thrownText, type HawserEvent, type ValueSize } from "@hawser/protocol";
import { guarded, type Runtime } from "@hawser/runtime";
import type { Begun, LeaseLoss, Recorded, RecordResult } from "@hawser/store";
import type { Delivery, Outcome } from "./delivery.js";
import { EventAnswers, type ReplySink } from "./event-answers.js";
import { maxApplyingMemory, tooManyRows, tooMuchMemory } from "./inbox-bounds.js";
import type { LinkObserver } from "./link-observer.js";
import type { ReceiverLease, ReceiverSession } from "./receiver-session.js";
import { TickBatch } from "./tick-batch.js";

/** What a `Receiver` is made of: one for each peer, kept over its sessions. */
export interface ReceiverOptions {
  readonly runtime: Runtime;
  /** Its name, for error messages. */
  readonly peer: string;
  /** Applies one event. A rejection of its promise counts as `retry` with `handler_failed`. */
  readonly apply: (delivery: Delivery) => Promise<Outcome> | Outcome;
  /**
   * Write down that a handler begins before it does, so that the attempt is known after a crash. Off where applying means nothing
   * but recording. @default true for every event
   */
  readonly recordAttempts?: (event: HawserEvent) => boolean;
  readonly observer?: LinkObserver;
  /** The window that its sessions announce, in bytes. @default DEFAULT_WINDOW_BYTES */
  readonly windowBytes?: number;
  /** What is remembered of all peers of this process. @default a budget of its own */
  readonly budget?: InboxBudget;
}

/** An inbox in memory, for as long as nobody else writes the one on disk that it stands for. */
interface Life {
  readonly memory: Inbox;
  /** Its mailbox stays until this is closed. */
  readonly use: { release(): void };
  /** Of the handlers that begin now. */
  handlers: AbortController;
  /** How many events of the peer are recorded. */
  recorded: number;
  /** Somebody else has the inbox: what was begun here is neither recorded nor answered. */
  isOver: boolean;
}

interface Loaded {
  readonly name: "loaded";
  readonly life: Life;
  readonly peerStore: string;
  readonly lease: ReceiverLease;
}

/** A delivery, and the inbox that let it begin. */
interface Started extends Delivery {
  readonly life: Life;
}

type ReceiverState = { readonly name: "new" } | Loaded | { readonly name: "closed" };

interface Applied {
  readonly delivery: Started;
  readonly outcome: Outcome & { readonly kind: "applied" };
}

/**
 * The receiving half of a peer: decides by the inbox, runs the handler, records the version durably, and only then answers.
 *
 * It outlives sessions: a handler that is still running when its connection ends finishes, and the resent event is then a duplicate.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #answers: EventAnswers;
  // Handlers that become due within one tick share one write of their attempts, and those that end one record.
  readonly #toBegin: TickBatch<Started>;
  readonly #toRecord: TickBatch<Applied>;
  #state: ReceiverState = { name: "new" };
  readonly #onIdle: (() => void)[] = [];

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#answers = new EventAnswers(options.observer);
    const { timers } = options.runtime;
    this.#toBegin = new TickBatch(timers, (batch) => this.#orBroken(this.#begin(batch)));
    this.#toRecord = new TickBatch(timers, (batch) => this.#orBroken(this.#record(batch)));
  }

  /** Events whose handler is running or that wait behind one. */
  get applying(): number {
    return this.#memory?.applying ?? 0;
  }

  /** Bytes of them, at least. */
  get applyingBytes(): number {
    return this.#memory?.applyingBytes ?? 0;
  }

  get #memory(): Inbox | undefined {
    return this.#state.name === "loaded" && !this.#state.life.isOver ? this.#state.life.memory : undefined;
  }

  /** How many events of the peer are recorded by now. */
  get recorded(): number {
    return this.#state.name === "loaded" ? this.#state.life.recorded : 0;
  }

  /** Resolves when nothing is being applied: what was, is recorded and answered by then. */
  idle(): Promise<void> {
    if (this.applying === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /**
   * A session with the peer begins. Its mailbox lease must be open already, because opening it is what resets the inbox of a peer that
   * lost its store; and it must be the newest one, because answers go to its sink from here on.
   *
   * @throws HawserError `aborted` when it was closed meanwhile
   */
  attach({ peerStore, lease, sink }: ReceiverSession): void {
    const state = this.#state;
    // An inbox that a closed receiver makes is nobody's, and would take the room of others for ever.
    if (state.name === "closed")
      throw new HawserError("aborted", `the connection of ${this.#options.peer} ended before it was open`);
    const life = this.#lifeFor(state, lease);
    if (state.name === "loaded" && life === state.life && state.peerStore !== peerStore) life.memory.reset();
    life.recorded = Math.max(life.recorded, lease.standing.own.recorded);
    this.#state = { name: "loaded", life, peerStore, lease };
    this.#answers.sink = sink;
  }

  /** What is remembered goes on, unless somebody else had the inbox meanwhile. */
  #lifeFor(state: Exclude<ReceiverState, { name: "closed" }>, lease: ReceiverLease): Life {
    if (state.name === "loaded") {
      if (lease.continues && !state.life.isOver) return state.life;
      this.#end(state.life);
    }
    const { budget, windowBytes } = this.#options;
    const maxHeapBytes = maxApplyingMemory(windowBytes);
    const memory = new Inbox(lease.inbox, { maxHeapBytes, ...(budget === undefined ? {} : { budget }) });
    return { memory, use: lease.use(), handlers: new AbortController(), recorded: 0, isOver: false };
  }

  /** Nothing more is received until the next session: its peer sends again what has no answer. */
  #end(life: Life): void {
    if (life.isOver) return;
    life.isOver = true;
    life.handlers.abort();
    life.memory.close();
    life.use.release();
    this.#tellIdle();
  }

  /** The mailbox was lost in the middle of a session. Handlers hear of it where what they do may come to nothing. */
  lost(why: LeaseLoss): void {
    if (this.#state.name !== "loaded" || why === "superseded" || why === "resync") return;
    const { life } = this.#state;
    if (why === "taken") {
      this.#end(life);
      return;
    }
    life.handlers.abort();
    life.handlers = new AbortController();
  }

  /** The session of `sink` is over. What is running goes on. */
  detach(sink: ReplySink): void {
    if (this.#answers.sink === sink) this.#answers.sink = undefined;
  }

  /** One event of the peer. The answer comes through the sink, now or when the handler is done. */
  receive(event: HawserEvent, version: number, { bytes, heapBytes }: ValueSize = sizeOf(event)): void {
    const { memory, isOver } = this.#loaded().life;
    if (isOver) return;
    const isAttemptRecorded = this.#isAttemptRecorded(event);
    const decision = memory.receive({ event, version, bytes, heapBytes, isAttemptRecorded });
    switch (decision.kind) {
      case "apply":
        this.#start({ event, version, attempt: decision.attempt });
        return;
      case "wait":
        for (const dropped of decision.superseded) this.#answers.skipped(dropped.event, "stale");
        return;
      case "duplicate":
      case "stale":
        this.#answers.skipped(event, decision.kind);
        return;
      case "full": {
        const error = decision.of === "rows" ? tooManyRows(memory.rows) : tooMuchMemory();
        this.#answers.refused(event, true, error);
        return;
      }
    }
  }

  /** The peer will never again send anything up to `version`. */
  settle(version: number): void {
    const { life, lease } = this.#loaded();
    if (life.isOver) return;
    life.memory.settle(version);
    lease.settle(version);
  }

  #isAttemptRecorded(event: HawserEvent): boolean {
    return this.#options.recordAttempts?.(event) !== false;
  }

  /** No session will use it again, and nothing is being applied: what it remembers is on disk. `attach` is refused from here on. */
  close(): void {
    const state = this.#state;
    this.#state = { name: "closed" };
    if (state.name !== "loaded") return;
    const { life } = state;
    if (life.isOver) return;
    life.memory.close();
    life.use.release();
  }

  #loaded(): Loaded {
    if (this.#state.name === "loaded") return this.#state;
    throw new HawserError("internal", `receiver of ${this.#options.peer} used before attach`);
  }

  #start({ event, version, attempt }: Pick<Delivery, "event" | "version" | "attempt">): void {
    const { life, peerStore, lease } = this.#loaded();
    const { epoch } = lease.standing.own;
    const { signal } = life.handlers;
    const delivery: Started = { event, version, attempt, peerStore, epoch, signal, life };
    if (this.#isAttemptRecorded(event)) this.#toBegin.add(delivery);
    else this.#run(delivery);
  }

  async #begin(all: readonly Started[]): Promise<void> {
    const batch = all.filter(({ life }) => !life.isOver);
    const begun: Begun[] = batch.map(({ event, version, attempt, peerStore }) => ({
      resourceid: event.resourceid,
      version,
      attempt,
      peerStore,
    }));
    try {
      await this.#loaded().lease.begin(begun);
    } catch (thrown) {
      this.#notWritten(batch, thrown);
      return;
    }
    for (const delivery of batch) if (!delivery.life.isOver) this.#run(delivery);
  }

  /** Somebody else has the inbox, or it is tried again later. */
  #notWritten(batch: readonly Started[], thrown: unknown): void {
    const error = HawserError.from(thrown, "store_unavailable");
    for (const delivery of batch) {
      if (delivery.life.isOver) continue;
      if (error.code === "superseded") this.#end(delivery.life);
      else this.#retry(delivery, error);
    }
  }

  #run(delivery: Started): void {
    let outcome: Promise<Outcome> | Outcome;
    try {
      outcome = this.#options.apply(delivery);
    } catch (thrown) {
      this.#failed(delivery, thrown);
      return;
    }
    if (!(outcome instanceof Promise)) {
      this.#settle(delivery, outcome);
      return;
    }
    const settled = outcome.then(
      (value) => this.#settle(delivery, value),
      (thrown: unknown) => this.#failed(delivery, thrown),
    );
    this.#orBroken(settled);
  }

  #orBroken(step: Promise<void>): void {
    step.catch((thrown: unknown) => this.#answers.broken(thrown));
  }

  #failed(delivery: Started, thrown: unknown): void {
    const message = `the handler threw: ${thrownText(thrown)}`;
    this.#retry(delivery, new HawserError("handler_failed", message, { cause: thrown }));
  }

  /** An outcome that cannot be read is that of a handler which failed: without an end, its resource would wait for ever. */
  #settle(delivery: Started, outcome: Outcome): void {
    guarded(
      () => this.#done(delivery, outcome),
      (thrown) => this.#failed(delivery, thrown),
    );
  }

  // Only what was applied is written down. A refusal is not: should its NACK get lost, the event comes again and is refused again, whereas a record would make
  // it look applied.
  #done(delivery: Started, outcome: Outcome): void {
    if (delivery.life.isOver) return;
    switch (outcome.kind) {
      case "retry":
        this.#retry(delivery, outcome.error);
        return;
      case "rejected":
        this.#answers.refused(delivery.event, false, outcome.error);
        this.#finish(delivery, "rejected");
        return;
      case "discarded":
        if (this.#isCurrent(delivery)) this.#answers.skipped(delivery.event, "discarded");
        this.#finish(delivery, "discarded");
        return;
      case "applied":
        this.#toRecord.add({ delivery, outcome });
        return;
      default:
        throw new HawserError("internal", "it came to no outcome");
    }
  }

  // The record is on disk before the answer leaves: an ACK means applied for good.
  async #record(batch: readonly Applied[]): Promise<void> {
    const { life, lease } = this.#loaded();
    if (life.isOver) return;
    const current = batch.filter(({ delivery }) => delivery.life === life && this.#isCurrent(delivery));
    let result: RecordResult;
    try {
      result = await lease.record(current.map(recordOf));
    } catch (thrown) {
      this.#notWritten(
        batch.map(({ delivery }) => delivery),
        thrown,
      );
      return;
    }
    life.recorded = Math.max(life.recorded, result.recorded);
    const discarded = new Set(result.discarded.map((place) => current[place]?.delivery));
    for (const { delivery } of batch) {
      if (delivery.life.isOver) continue;
      const isDiscarded = discarded.has(delivery);
      if (this.#isCurrent(delivery)) {
        if (isDiscarded) this.#answers.skipped(delivery.event, "discarded");
        else this.#answers.applied(delivery.event);
      }
      this.#finish(delivery, isDiscarded ? "discarded" : "applied");
    }
  }

  // Of an event whose sender lost its store meanwhile nobody waits for the answer; its number belongs to another event now.
  #isCurrent({ event: { resourceid }, version, life }: Started): boolean {
    return life.memory.isCurrent(resourceid, version);
  }

  #retry(delivery: Started, error: HawserError): void {
    if (delivery.life.isOver) return;
    this.#answers.refused(delivery.event, true, error);
    this.#finish(delivery, "retry");
  }

  #finish({ event, version, life }: Started, outcome: Ending): void {
    const finished = life.memory.finish(event.resourceid, version, outcome);
    for (const blocked of finished.blocked) {
      const what = `an earlier event of ${event.resourceid} (${event.eventid}) has to succeed first`;
      this.#answers.refused(blocked.event, true, new HawserError("handler_failed", what));
    }
    if (finished.next !== undefined) this.#start(finished.next);
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.applying === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

function recordOf({ delivery: { event, version, peerStore }, outcome }: Applied): Recorded {
  const row = { resourceid: event.resourceid, version, peerStore };
  return outcome.retain === undefined ? row : { ...row, retain: outcome.retain };
}
