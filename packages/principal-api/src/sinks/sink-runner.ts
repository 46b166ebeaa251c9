import { HawserError, thrownText } from "@hawser/protocol";
import type { Runtime, Timer } from "@hawser/runtime";
import type { EventLog } from "../event-log/event-log.js";
import { OpenEvents, type OpenEvent } from "./open-events.js";
import { boundedRetryAfterMs, isGivenUp, retryDelayMs } from "./retry-policy.js";
import type { SinkDefinition } from "./sink-definition.js";
import { SinkPlace, type SinkRecords } from "./sink-place.js";
import type { SinkProgress } from "./sink-view.js";
import type { SinkAnswer, SinkTarget } from "./sink-target.js";

/** Events that one sink has read and not settled. */
const MAX_OPEN_EVENTS = 256;
const MAX_OPEN_BYTES = 8_388_608;
/** So many events failed, and none got through: it is the receiver, and not one event. */
const FAILING_EVENTS = 5;

export interface SinkRunnerOptions {
  readonly name: string;
  readonly definition: SinkDefinition;
  readonly target: SinkTarget;
  readonly log: Pick<EventLog, "read" | "hold" | "listen" | "stats">;
  readonly records: SinkRecords;
  /** Where it was. */
  readonly position: number;
  readonly runtime: Runtime;
  /** The receiver wants no more events. */
  readonly onGone: () => void;
}

/** Delivers what the log holds to one target: at least once, in order per resource, again and again until it is taken. */
export class SinkRunner {
  readonly #options: SinkRunnerOptions;
  readonly #open = new OpenEvents();
  readonly #place: SinkPlace;
  readonly #stopping = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  /** Events that failed since one got through. */
  readonly #failing = new Set<OpenEvent>();
  #unlisten: () => void = () => {};
  /** Read up to here. */
  #scanned: number;
  #scannedRequeued = 0;
  #isReading = false;
  #isStarted = false;
  /** A dead letter is being written, and lies among the requeued for a moment. */
  #isBurying = false;
  #retry: Timer | undefined;
  /** Nothing goes before then, by the monotonic clock. */
  #heldUntil = Number.NEGATIVE_INFINITY;
  #failuresInRow = 0;
  #delivered = 0;
  #failures = 0;
  #deadLettered = 0;
  #lastDeliveredAt: number | undefined;
  #failure: { readonly at: number; readonly message: string } | undefined;

  constructor(options: SinkRunnerOptions) {
    this.#options = options;
    this.#scanned = options.position;
    const { name, records, runtime, position: saved } = options;
    const hold = options.log.hold(saved);
    this.#place = new SinkPlace({ name, records, hold, runtime, saved, current: () => this.#position });
  }

  get progress(): SinkProgress {
    const { first } = this.#open;
    const { runtime } = this.#options;
    const nextTryAt = this.#underWay.size > 0 ? undefined : this.#nextTryAt();
    return {
      position: this.#position,
      oldestAt: first?.recorded.recordedAt,
      delivered: this.#delivered,
      failures: this.#failures,
      deadLettered: this.#deadLettered,
      lastDeliveredAt: this.#lastDeliveredAt,
      failure: this.#failure && {
        ...this.#failure,
        failing: this.#failing.size,
        nextTryAt:
          nextTryAt === undefined
            ? undefined
            : Math.round(runtime.clock.wallTime() + nextTryAt - runtime.clock.now()),
      },
    };
  }

  /** A paused sink is not started: what it has not delivered waits in the log all the same. */
  start(): void {
    this.#isStarted = true;
    this.#unlisten = this.#options.log.listen(() => this.wake());
    this.wake();
  }

  /** What is under way is broken off, and goes again with the next start. Resolves once the place is on disk, or cannot be written. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    this.#unlisten();
    this.#retry?.cancel();
    this.#stopping.abort();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await this.#place.close();
    await this.#options.target.close();
  }

  /** There may be something to do. */
  wake(): void {
    if (!this.#isStarted) return;
    this.#fill();
    this.#send();
    this.#sleep();
  }

  /** Everything up to here is settled. */
  get #position(): number {
    const first = this.#open.firstOfLog;
    return first === undefined ? this.#scanned : first - 1;
  }

  #fill(): void {
    if (this.#isReading || this.#open.size >= MAX_OPEN_EVENTS || this.#open.bytes >= MAX_OPEN_BYTES) return;
    this.#isReading = true;
    this.#read().then(
      (isMore) => {
        this.#isReading = false;
        if (isMore) this.wake();
      },
      (thrown: unknown) => {
        this.#isReading = false;
        this.#waitAfter(thrownText(thrown));
        this.#sleep();
      },
    );
  }

  /** @returns whether anything was read */
  async #read(): Promise<boolean> {
    const { log, records } = this.#options;
    const room = MAX_OPEN_EVENTS - this.#open.size;
    const requeued = this.#isBurying ? [] : await records.requeued(this.#scannedRequeued, room);
    for (const { version, recorded } of requeued) {
      this.#scannedRequeued = version;
      this.#open.add(recorded, { kind: "requeued", version });
    }
    if (requeued.length > 0) return true;
    if (this.#scanned >= log.stats.newest) return false;
    const page = await log.read({
      after: this.#scanned,
      limit: room,
      maxBytes: MAX_OPEN_BYTES - this.#open.bytes,
      filter: this.#options.definition.filter,
    });
    if (!this.#isStarted) return false;
    for (const recorded of page.items) this.#open.add(recorded, { kind: "log" });
    this.#scanned = Math.max(this.#scanned, page.through);
    this.#moved();
    return true;
  }

  #send(): void {
    const { target, runtime } = this.#options;
    for (;;) {
      const now = runtime.clock.now();
      // While the receiver fails, one event at a time finds out whether it is back.
      const concurrency = this.#isReceiverFailing ? 1 : target.concurrency;
      if (now < this.#heldUntil || this.#underWay.size >= concurrency) return;
      const batch = this.#open.next(now, target.maxBatch);
      if (batch.length === 0) return;
      const delivery = this.#deliver(batch)
        .catch((thrown: unknown) => {
          // A logger or a target that throws: the events are tried again, and the process goes on.
          for (const event of batch) event.isUnderWay = false;
          this.#waitAfter(thrownText(thrown));
        })
        .then(() => {
          this.#underWay.delete(delivery);
          this.wake();
        });
      this.#underWay.add(delivery);
    }
  }

  async #deliver(batch: readonly OpenEvent[]): Promise<void> {
    const { target, runtime } = this.#options;
    for (const event of batch) {
      event.isUnderWay = true;
      event.attempts += 1;
      event.firstTriedAt ??= runtime.clock.now();
    }
    const recorded = batch.map((event) => event.recorded);
    const answer = await target.deliver(recorded, this.#stopping.signal);
    for (const event of batch) event.isUnderWay = false;
    if (answer.kind === "delivered") this.#took(batch);
    else if (!this.#stopping.signal.aborted) await this.#refused(batch, answer);
  }

  #took(batch: readonly OpenEvent[]): void {
    this.#delivered += batch.length;
    this.#lastDeliveredAt = this.#options.runtime.clock.wallTime();
    this.#failing.clear();
    this.#failuresInRow = 0;
    this.#failure = undefined;
    for (const event of batch) this.#settle(event);
  }

  #settle(event: OpenEvent): void {
    this.#open.settle(event);
    this.#failing.delete(event);
    if (event.origin.kind === "requeued") this.#options.records.settled(event.origin.version);
    this.#moved();
  }

  async #refused(
    batch: readonly OpenEvent[],
    answer: Extract<SinkAnswer, { kind: "failed" }>,
  ): Promise<void> {
    const { runtime, name, definition, onGone } = this.#options;
    this.#failures += 1;
    this.#failuresInRow += 1;
    this.#failure = { at: runtime.clock.wallTime(), message: answer.message };
    for (const event of batch) this.#failing.add(event);
    runtime.logger.warn(
      { sink: name, events: batch.length, attempt: batch[0]?.attempts, reason: answer.message },
      "a delivery failed; it is tried again",
    );
    if (answer.isGone === true) onGone();
    this.#wait(batch, answer);
    const [event] = batch;
    if (event === undefined) return;
    if (batch.length > 1) {
      // Nobody knows which of them it was.
      if (answer.isOfEvent) for (const each of batch) each.goesAlone = true;
      // Only while it is not the receiver that fails: an outage makes no dead letters, however long it lasts.
    } else if (!this.#isReceiverFailing && isGivenUp(event, answer, definition, runtime.clock.now()))
      await this.#bury(event, answer.message);
  }

  #wait(batch: readonly OpenEvent[], { retryAfterMs }: Extract<SinkAnswer, { kind: "failed" }>): void {
    const { runtime } = this.#options;
    const now = runtime.clock.now();
    for (const event of batch) event.notBefore = now + retryDelayMs(event.attempts, runtime.random);
    // What the receiver asks for is about all it is sent.
    if (retryAfterMs !== undefined) this.#heldUntil = now + boundedRetryAfterMs(retryAfterMs);
    else if (this.#isReceiverFailing)
      this.#heldUntil = now + retryDelayMs(this.#failuresInRow, runtime.random);
  }

  get #isReceiverFailing(): boolean {
    return this.#failing.size >= FAILING_EVENTS;
  }

  async #bury(event: OpenEvent, reason: string): Promise<void> {
    const { records, runtime, name } = this.#options;
    event.isUnderWay = true;
    this.#isBurying = true;
    try {
      await records.deadLetter(event, reason);
      this.#deadLettered += 1;
      const {
        agent,
        event: { resourceid, eventid },
      } = event.recorded;
      runtime.logger.error(
        { sink: name, agent, resource_id: resourceid, event_id: eventid, reason },
        "an event became a dead letter of its sink",
      );
      this.#settle(event);
    } catch (thrown) {
      event.isUnderWay = false;
      this.#failure = { at: runtime.clock.wallTime(), message: HawserError.from(thrown).message };
    } finally {
      this.#isBurying = false;
    }
  }

  #waitAfter(message: string): void {
    const { runtime } = this.#options;
    this.#failuresInRow += 1;
    this.#failure = { at: runtime.clock.wallTime(), message };
    this.#heldUntil = runtime.clock.now() + retryDelayMs(this.#failuresInRow, runtime.random);
  }

  #nextTryAt(): number | undefined {
    const next = this.#open.nextTryAt();
    const isHeld = this.#heldUntil > this.#options.runtime.clock.now();
    if (!isHeld) return next;
    return Math.max(this.#heldUntil, next ?? this.#heldUntil);
  }

  #sleep(): void {
    this.#retry?.cancel();
    const { clock, timers } = this.#options.runtime;
    const at = this.#nextTryAt();
    if (at === undefined || !this.#isStarted) return;
    this.#retry = timers.after(Math.max(1, at - clock.now()), () => this.wake());
  }

  #moved(): void {
    if (this.#isStarted) this.#place.moved();
  }
}
