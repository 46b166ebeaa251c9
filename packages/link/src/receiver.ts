import { Inbox, type Ending, type InboxBudget } from "@hawser/delivery";
import {
  DEFAULT_WINDOW_BYTES,
  HawserError,
  LIMITS,
  sizeOf,
  thrownText,
  type EventKey,
  type HawserEvent,
  type Nack,
  type ValueSize,
} from "@hawser/protocol";
import { guarded, type Runtime } from "@hawser/runtime";
import type { Begun, InboxStore, Recorded } from "@hawser/store";
import type { LinkObserver } from "./link-observer.js";

/** One event for a handler. */
export interface Delivery {
  readonly event: HawserEvent;
  readonly version: number;
  /** Name of the store that gave the version; by the time a handler gets here, the peer may have another one. */
  readonly peerStore: string;
  /**
   * 1 the first time. Above 1 an earlier run of this very version began and its end was never recorded (it failed, or the process died): its effect
   * may be there already, which is why handlers are idempotent by (`resourceid`, `eventid`).
   */
  readonly attempt: number;
}

/** What a handler made of an event. */
export type Outcome =
  /** There is nothing to do about it, now or if it came again: acknowledged without a record. */
  | { readonly kind: "discarded" }
  | { readonly kind: "applied"; readonly retain?: NonNullable<Recorded["retain"]> }
  /** It will never succeed: permanent NACK, dead letter at the sender. */
  | { readonly kind: "rejected"; readonly error: HawserError }
  /** It may succeed later: retryable NACK, the sender backs off. */
  | { readonly kind: "retry"; readonly error: HawserError };

/** Where answers go while a session is there. */
export interface ReplySink {
  ack(key: EventKey): void;
  nack(nack: Omit<Nack, "type">): void;
  /** Something behind the answers threw: the session is to end with it. */
  failed(error: HawserError): void;
}

/** What a `Receiver` is made of: one for each peer, kept over its sessions. */
export interface ReceiverOptions {
  readonly runtime: Runtime;
  readonly store: InboxStore;
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

/**
 * How many bytes of memory a byte of the window may come to: several times what ordinary JSON takes once it is parsed. What is made of empty objects takes
 * more; such events are refused for now while others are being applied.
 */
const MEMORY_PER_WINDOW_BYTE = 8;

/** What the events of one peer may take in memory while they are applied; one that takes more comes alone. */
export function maxApplyingMemory(windowBytes = DEFAULT_WINDOW_BYTES): number {
  return Math.max(windowBytes, LIMITS.maxFrameBytes) * MEMORY_PER_WINDOW_BYTE;
}

interface Applied {
  readonly delivery: Delivery;
  readonly outcome: Outcome & { readonly kind: "applied" };
}

/**
 * The receiving half of a peer: decides by the inbox, runs the handler, records the version durably, and only then answers.
 *
 * It outlives sessions: a handler that is still running when its connection ends finishes, and the resent event is then a duplicate.
 */
export class Receiver {
  readonly #options: ReceiverOptions;
  #inbox: Inbox | undefined;
  #peerStore: string | undefined;
  #sink: ReplySink | undefined;
  /** Calls of `attach` so far, and the latest of them that is through. */
  #attaches = 0;
  #latestAttach = 0;
  #closed = false;
  /** Its mailbox stays until this is closed. */
  #use: { release(): void } | undefined;
  #toStart: Delivery[] = [];
  #toRecord: Applied[] = [];
  #startScheduled = false;
  #recordScheduled = false;
  readonly #onIdle: (() => void)[] = [];

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** Events whose handler is running or that wait behind one. */
  get applying(): number {
    return this.#inbox?.applying ?? 0;
  }

  /** Bytes of them, at least. */
  get applyingBytes(): number {
    return this.#inbox?.applyingBytes ?? 0;
  }

  /** Resolves when nothing is being applied: what was, is recorded and answered by then. */
  idle(): Promise<void> {
    if (this.applying === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /**
   * Makes ready for a session with the peer whose store is called `peerStore`; the mailbox lease must be open already, because opening it is what resets the
   * inbox of a peer that lost its store. Answers go to `sink` until the next `attach` or `detach`.
   *
   * @throws HawserError `aborted` when it is closed before the inbox is there
   */
  async attach(peerStore: string, sink: ReplySink): Promise<void> {
    this.#attaches += 1;
    const own = this.#attaches;
    const inbox = this.#inbox ?? (await this.#load(peerStore));
    // A later session was faster, so this one has been taken over: its end would leave that one without answers.
    if (own < this.#latestAttach) return;
    this.#latestAttach = own;
    if (this.#peerStore !== peerStore) inbox.reset();
    this.#peerStore = peerStore;
    this.#sink = sink;
  }

  // An inbox that a closed receiver makes is nobody's, and would take the room of others for ever.
  async #load(peerStore: string): Promise<Inbox> {
    const { store, peer, budget, windowBytes } = this.#options;
    this.#assertOpen();
    this.#use ??= store.use(peer);
    const state = await store.load(peer);
    this.#assertOpen();
    // Another session may have been faster, and its events may be under way.
    if (this.#inbox === undefined) {
      const maxHeapBytes = maxApplyingMemory(windowBytes);
      this.#inbox = new Inbox(state, { maxHeapBytes, ...(budget === undefined ? {} : { budget }) });
      this.#peerStore = peerStore;
    }
    return this.#inbox;
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new HawserError("aborted", `the connection of ${this.#options.peer} ended before it was open`);
  }

  /** The session of `sink` is over. What is running goes on. */
  detach(sink: ReplySink): void {
    if (this.#sink === sink) this.#sink = undefined;
  }

  /** One event of the peer. The answer comes through the sink, now or when the handler is done. */
  receive(event: HawserEvent, version: number, { bytes, heapBytes }: ValueSize = sizeOf(event)): void {
    const inbox = this.#attached();
    const isAttemptRecorded = this.#isAttemptRecorded(event);
    const decision = inbox.receive({ event, version, bytes, heapBytes, isAttemptRecorded });
    switch (decision.kind) {
      case "apply":
        this.#start({ event, version, attempt: decision.attempt });
        return;
      case "wait":
        for (const dropped of decision.superseded) this.#skip(dropped.event, "stale");
        return;
      case "duplicate":
      case "stale":
        this.#skip(event, decision.kind);
        return;
      case "full":
        this.#nack(event, true, decision.of === "rows" ? tooManyRows(inbox.rows) : tooMuchMemory());
        return;
    }
  }

  /** The peer will never again send anything up to `version`. */
  settle(version: number): void {
    this.#attached().settle(version);
    this.#options.store.settle(this.#options.peer, version);
  }

  #isAttemptRecorded(event: HawserEvent): boolean {
    return this.#options.recordAttempts?.(event) !== false;
  }

  /** No session will use it again, and nothing is being applied: what it remembers is on disk. Whoever still comes to `attach` is turned away. */
  close(): void {
    this.#closed = true;
    this.#inbox?.close();
    this.#inbox = undefined;
    this.#use?.release();
    this.#use = undefined;
  }

  #attached(): Inbox {
    if (this.#inbox === undefined)
      throw new HawserError("internal", `receiver of ${this.#options.peer} used before attach`);
    return this.#inbox;
  }

  #skip(event: HawserEvent, why: "duplicate" | "stale"): void {
    const { resourceid, eventid } = event;
    this.#answer((sink) => sink.ack({ resourceid, eventid }));
    this.#tell((observer) => observer.skipped?.(event, why));
  }

  // Handlers that become due within one tick share one write of their attempts.
  #start(starting: Omit<Delivery, "peerStore">): void {
    const { event, version, attempt } = starting;
    const delivery: Delivery = { event, version, attempt, peerStore: this.#peerStore ?? "" };
    if (!this.#isAttemptRecorded(event)) {
      this.#run(delivery);
      return;
    }
    this.#toStart.push(delivery);
    if (this.#startScheduled) return;
    this.#startScheduled = true;
    this.#options.runtime.timers.soon(() => {
      this.#startScheduled = false;
      const batch = this.#toStart;
      this.#toStart = [];
      this.#begin(batch).catch((thrown: unknown) => this.#broken(thrown));
    });
  }

  async #begin(batch: readonly Delivery[]): Promise<void> {
    const begun: Begun[] = batch.map(({ event, version, attempt, peerStore }) => ({
      resourceid: event.resourceid,
      version,
      attempt,
      peerStore,
    }));
    try {
      await this.#options.store.begin(this.#options.peer, begun);
    } catch (thrown) {
      const error = HawserError.from(thrown, "store_unavailable");
      for (const delivery of batch) this.#retry(delivery, error);
      return;
    }
    for (const delivery of batch) this.#run(delivery);
  }

  #run(delivery: Delivery): void {
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
    outcome
      .then(
        (value) => this.#settle(delivery, value),
        (thrown: unknown) => this.#failed(delivery, thrown),
      )
      .catch((thrown: unknown) => this.#broken(thrown));
  }

  /** What throws behind a handler ends the session that is there now: its peer sends again what has no answer. */
  #broken(thrown: unknown): void {
    this.#sink?.failed(HawserError.from(thrown));
  }

  #failed(delivery: Delivery, thrown: unknown): void {
    const message = `the handler threw: ${thrownText(thrown)}`;
    this.#retry(delivery, new HawserError("handler_failed", message, { cause: thrown }));
  }

  /** An outcome that cannot be read is that of a handler which failed: without an end, its resource would wait for ever. */
  #settle(delivery: Delivery, outcome: Outcome): void {
    guarded(
      () => this.#done(delivery, outcome),
      (thrown) => this.#failed(delivery, thrown),
    );
  }

  // Only what was applied is written down. A refusal is not: should its NACK get lost, the event comes again and is refused again, whereas a record would make
  // it look applied.
  #done(delivery: Delivery, outcome: Outcome): void {
    switch (outcome.kind) {
      case "retry":
        this.#retry(delivery, outcome.error);
        return;
      case "rejected":
        this.#nack(delivery.event, false, outcome.error);
        this.#finish(delivery, "rejected");
        return;
      case "discarded":
        if (this.#acknowledge(delivery.event, delivery.version))
          this.#tell((observer) => observer.skipped?.(delivery.event, "discarded"));
        this.#finish(delivery, "discarded");
        return;
      case "applied":
        this.#recordSoon({ delivery, outcome });
        return;
      default:
        throw new HawserError("internal", "it came to no outcome");
    }
  }

  #recordSoon(applied: Applied): void {
    this.#toRecord.push(applied);
    if (this.#recordScheduled) return;
    this.#recordScheduled = true;
    this.#options.runtime.timers.soon(() => {
      this.#recordScheduled = false;
      const batch = this.#toRecord;
      this.#toRecord = [];
      this.#record(batch).catch((thrown: unknown) => this.#broken(thrown));
    });
  }

  // The record is on disk before the answer leaves: an ACK means applied for good.
  async #record(batch: readonly Applied[]): Promise<void> {
    const inbox = this.#attached();
    const current = batch.filter(({ delivery: { event, version } }) =>
      inbox.isCurrent(event.resourceid, version),
    );
    try {
      await this.#options.store.record(this.#options.peer, current.map(recordOf));
    } catch (thrown) {
      const error = HawserError.from(thrown, "store_unavailable");
      for (const { delivery } of batch) this.#retry(delivery, error);
      return;
    }
    for (const { delivery } of batch) {
      if (this.#acknowledge(delivery.event, delivery.version))
        this.#tell((observer) => observer.applied?.(delivery.event));
      this.#finish(delivery, "applied");
    }
  }

  // Of an event whose sender lost its store meanwhile nobody waits for the answer; its number belongs to another event now.
  #acknowledge({ resourceid, eventid }: HawserEvent, version: number): boolean {
    if (!this.#attached().isCurrent(resourceid, version)) return false;
    this.#answer((sink) => sink.ack({ resourceid, eventid }));
    return true;
  }

  #retry(delivery: Delivery, error: HawserError): void {
    this.#nack(delivery.event, true, error);
    this.#finish(delivery, "retry");
  }

  #nack(event: HawserEvent, retryable: boolean, error: HawserError): void {
    const { resourceid, eventid } = event;
    this.#answer((sink) =>
      sink.nack({ resourceid, eventid, retryable, code: error.code, message: error.message }),
    );
    this.#tell((observer) => observer.refused?.(event, retryable, error.code, error.message));
  }

  // An answer or an observer that throws ends the session, and keeps neither an answer nor the next event of a resource back.
  #answer(answer: (sink: ReplySink) => void): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    guarded(
      () => answer(sink),
      (thrown) => this.#broken(thrown),
    );
  }

  #tell(tell: (observer: LinkObserver) => void): void {
    const { observer } = this.#options;
    if (observer === undefined) return;
    guarded(
      () => tell(observer),
      (thrown) => this.#broken(thrown),
    );
  }

  #finish({ event, version }: Delivery, outcome: Ending): void {
    const finished = this.#attached().finish(event.resourceid, version, outcome);
    for (const blocked of finished.blocked) {
      this.#nack(
        blocked.event,
        true,
        new HawserError(
          "handler_failed",
          `an earlier event of ${event.resourceid} (${event.eventid}) has to succeed first`,
        ),
      );
    }
    if (finished.next !== undefined) this.#start(finished.next);
    if (this.applying === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

function recordOf({ delivery: { event, version, peerStore }, outcome }: Applied): Recorded {
  const row = { resourceid: event.resourceid, version, peerStore };
  return outcome.retain === undefined ? row : { ...row, retain: outcome.retain };
}

function tooManyRows(rows: number): HawserError {
  return new HawserError(
    "inbox_full",
    `${rows} resources of this peer are remembered, and no more; they are forgotten when its settled floor passes them`,
  );
}

/** An event that would take more memory, beside those that are being applied, than there is for one peer. */
export function tooMuchMemory(context: { resource_id?: string; event_id?: string } = {}): HawserError {
  const message =
    "what this peer has sent takes as much memory as it may; try again when some of it is applied";
  return new HawserError("inbox_full", message, context);
}
