import type { Ending, Inbox } from "@hawser/delivery";
import { HawserError, sizeOf, thrownText, type HawserEvent, type ValueSize } from "@hawser/protocol";
import { guarded } from "@hawser/runtime";
import type { LeaseLoss, RecordResult } from "@hawser/store";
import type { Delivery, Outcome } from "./delivery.js";
import { EventAnswers, type ReplySink } from "./event-answers.js";
import { tooManyRows, tooMuchMemory } from "./inbox-bounds.js";
import { begunOf, InboxLife, recordOf, type Applied, type Started } from "./inbox-life.js";
import type { ReceiverLease, ReceiverOptions, ReceiverSession } from "./receiver-options.js";
import { TickBatch } from "./tick-batch.js";

interface Loaded {
  readonly name: "loaded";
  readonly life: InboxLife;
  readonly peerStore: string;
  readonly lease: ReceiverLease;
}

type ReceiverState = { readonly name: "new" } | Loaded | { readonly name: "closed" };

/**
 * The receiving half of a peer: decides by the inbox, runs the handler, records the version
 * durably, and only then answers.
 *
 * It outlives sessions: a handler that is still running when its connection ends finishes, and the
 * resent event is then a duplicate.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #answers: EventAnswers;
  // The attempts of one tick share one write, and its outcomes another.
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

  get applyingBytes(): number {
    return this.#memory?.applyingBytes ?? 0;
  }

  get #memory(): Inbox | undefined {
    return this.#state.name === "loaded" && !this.#state.life.isOver ? this.#state.life.memory : undefined;
  }

  /** How many events of the peer are recorded. */
  get recorded(): number {
    return this.#state.name === "loaded" ? this.#state.life.recorded : 0;
  }

  /** Resolves when nothing is being applied: what was, is recorded and answered by then. */
  idle(): Promise<void> {
    if (this.applying === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /**
   * A session with the peer begins. Its mailbox lease must be open already, because opening it is
   * what resets the inbox of a peer that lost its store; and it must be the newest one, because
   * answers go to its sink from here on.
   *
   * @throws HawserError `aborted` when it was closed meanwhile
   */
  attach({ peerStore, lease, sink }: ReceiverSession): void {
    const state = this.#state;
    // An inbox made for a closed receiver would never give its room back.
    if (state.name === "closed")
      throw new HawserError("aborted", `the connection of ${this.#options.peer} ended before it was open`);
    const life = this.#lifeFor(state, lease);
    if (state.name === "loaded" && life === state.life && state.peerStore !== peerStore) life.memory.reset();
    life.noteRecorded(lease.standing.own.recorded);
    this.#state = { name: "loaded", life, peerStore, lease };
    this.#answers.sink = sink;
  }

  /** The inbox in memory stays, unless another process had the one on disk meanwhile. */
  #lifeFor(state: Exclude<ReceiverState, { name: "closed" }>, lease: ReceiverLease): InboxLife {
    if (state.name === "loaded") {
      if (lease.continues && !state.life.isOver) return state.life;
      this.#end(state.life);
    }
    return new InboxLife(lease, this.#options.windowBytes, this.#options.budget);
  }

  // Receives nothing until the next session, in which the peer resends unanswered events.
  #end(life: InboxLife): void {
    life.end();
    this.#notifyIdle();
  }

  /** The mailbox was lost. Signals of handlers abort where an effect may not be recorded. */
  lost(why: LeaseLoss): void {
    if (this.#state.name !== "loaded" || why === "superseded" || why === "resync") return;
    const { life } = this.#state;
    if (why === "taken") this.#end(life);
    else life.abortHandlers();
  }

  /** The session of `sink` is over. Handlers keep running. */
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
        return this.#start({ event, version, attempt: decision.attempt });
      case "wait":
        for (const dropped of decision.superseded) this.#answers.skipped(dropped.event, "stale");
        return;
      case "duplicate":
      case "stale":
        return this.#answers.skipped(event, decision.kind);
      case "full":
        this.#answers.refused(
          event,
          true,
          decision.of === "rows" ? tooManyRows(memory.rows) : tooMuchMemory(),
        );
        return;
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

  /** Nothing is being applied and no session will use it again: `attach` throws from now on. */
  close(): void {
    const state = this.#state;
    this.#state = { name: "closed" };
    if (state.name === "loaded" && !state.life.isOver) state.life.close();
  }

  #loaded(): Loaded {
    if (this.#state.name === "loaded") return this.#state;
    throw new HawserError("internal", `receiver of ${this.#options.peer} used before attach`);
  }

  #start({ event, version, attempt }: Pick<Delivery, "event" | "version" | "attempt">): void {
    const { life, peerStore, lease } = this.#loaded();
    const { epoch } = lease.standing.own;
    const { signal } = life;
    const delivery: Started = { event, version, attempt, peerStore, epoch, signal, life };
    if (this.#isAttemptRecorded(event)) this.#toBegin.add(delivery);
    else this.#run(delivery);
  }

  async #begin(all: readonly Started[]): Promise<void> {
    const batch = all.filter(({ life }) => !life.isOver);
    try {
      await this.#loaded().lease.begin(batch.map(begunOf));
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

  // An error or an unreadable outcome counts as a failed handler, or its resource would hang.
  #run(delivery: Started): void {
    const failed = (thrown: unknown): void => this.#failed(delivery, thrown);
    guarded(() => {
      const outcome = this.#options.apply(delivery);
      if (!(outcome instanceof Promise)) this.#done(delivery, outcome);
      else this.#orBroken(outcome.then((value) => this.#done(delivery, value)).catch(failed));
    }, failed);
  }

  #orBroken(step: Promise<void>): void {
    step.catch((thrown: unknown) => this.#answers.broken(thrown));
  }

  #failed(delivery: Started, thrown: unknown): void {
    const message = `the handler threw: ${thrownText(thrown)}`;
    this.#retry(delivery, new HawserError("handler_failed", message, { cause: thrown }));
  }

  // A refusal is not recorded: if its NACK is lost, the event comes again and is refused again.
  #done(delivery: Started, outcome: Outcome): void {
    if (delivery.life.isOver) return;
    switch (outcome.kind) {
      case "retry":
        return this.#retry(delivery, outcome.error);
      case "rejected":
        this.#answers.refused(delivery.event, false, outcome.error);
        this.#finish(delivery, "rejected");
        return;
      case "discarded":
        return this.#discard(delivery);
      case "applied":
        return this.#toRecord.add({ delivery, outcome });
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
      const deliveries = batch.map(({ delivery }) => delivery);
      this.#notWritten(deliveries, thrown);
      return;
    }
    life.noteRecorded(result.recorded);
    const discarded = new Set(result.discarded.map((place) => current[place]?.delivery));
    for (const { delivery } of batch) {
      if (delivery.life.isOver) continue;
      if (discarded.has(delivery)) this.#discard(delivery);
      else {
        if (this.#isCurrent(delivery)) this.#answers.applied(delivery.event);
        this.#finish(delivery, "applied");
      }
    }
  }

  #discard(delivery: Started): void {
    if (this.#isCurrent(delivery)) this.#answers.skipped(delivery.event, "discarded");
    this.#finish(delivery, "discarded");
  }

  // A sender that lost its store awaits no answer, and reuses the number.
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
    this.#notifyIdle();
  }

  #notifyIdle(): void {
    if (this.applying === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
