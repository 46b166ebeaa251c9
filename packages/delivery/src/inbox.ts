import { eventClass, type EventClass } from "@hawser/protocol";
import { CoalescingQueue } from "./coalescing-queue.js";
import type { Deliverable } from "./deliverable.js";
import { invariant } from "./invariant.js";

/** What a store knows of a peer when its inbox is made. */
export interface InboxSnapshot {
  /** Every version of the peer up to this one is settled. */
  readonly settled: number;
  /** Last applied version per resource, for those above `settled`. */
  readonly applied: ReadonlyMap<string, number>;
  /** Versions whose handler had begun and whose end was never recorded: attempts so far, by resource. */
  readonly begun: ReadonlyMap<string, { readonly version: number; readonly attempts: number }>;
}

/** What to do with an event that arrived. */
export type Received =
  /** Hand it to its handler; `attempt` is 1 the first time. Then `finish`. */
  | { readonly kind: "apply"; readonly attempt: number }
  /** It is being applied, or comes behind what is: its answer follows. The states it `superseded` in the queue are not applied any more: ACK them. */
  | { readonly kind: "wait"; readonly superseded: readonly Deliverable[] }
  /** This very version is recorded as applied: ACK. */
  | { readonly kind: "duplicate" }
  /** A newer version came before it, or the peer itself has settled it: ACK. */
  | { readonly kind: "stale" }
  /** There is no room to remember one more resource of this peer: NACK, retryable. The peer's settled floor makes room. */
  | { readonly kind: "full" };

/** An event whose turn has come: hand it to its handler. */
export interface Starting extends Deliverable {
  readonly attempt: number;
}

/** What the end of a handler sets free. */
export interface Finished {
  readonly next: Starting | undefined;
  /** They came behind an event that has to be tried again first: NACK them, retryable. */
  readonly blocked: readonly Deliverable[];
}

interface Queued extends Deliverable {
  readonly eventClass: EventClass;
}

/** The handler of a resource and what waits behind it. */
interface Turn {
  readonly running: Deliverable;
  /** The peer lost its store after the handler began: `running` belongs to versions that are gone. */
  orphaned: boolean;
  readonly queue: CoalescingQueue<Queued>;
}

/**
 * Rows of one peer, about 150 bytes each: as many as a whole mailbox of commands about different resources
 * leaves, all of them above the floor because the first is not answered yet.
 */
export const MAX_INBOX_ROWS = 100_000;

/** How an event ended. `discarded`: it is answered as applied, and nothing came of it that a repeat could harm. */
export type Ending = "applied" | "discarded" | "rejected" | "retry";

const NONE: readonly never[] = [];
const DUPLICATE: Received = { kind: "duplicate" };
const STALE: Received = { kind: "stale" };
const FULL: Received = { kind: "full" };
const WAIT: Received = { kind: "wait", superseded: NONE };
const NOTHING: Finished = { next: undefined, blocked: NONE };

/**
 * Decides what becomes of a peer's events: nothing recorded as applied is applied again, no resource goes back to an older version, and one handler runs per
 * resource (PROTOCOL.md, Delivery). One per peer; it outlives sessions, because handlers do.
 *
 * It is the memory in front of a durable inbox: the caller writes down the outcome and then calls `finish`. One row per resource is held until the
 * peer's settled floor has passed it, `maxRows` in all; what waits is bounded by the window, which the caller enforces by `applying` and
 * `applyingBytes`. All operations take constant time.
 */
export class Inbox {
  /** In the order of recording, which is nearly that of versions: so the floor is applied from the front. */
  readonly #applied: Map<string, number>;
  readonly #begun: Map<string, { readonly version: number; readonly attempts: number }>;
  readonly #turns = new Map<string, Turn>();
  readonly #maxRows: number;
  #settled: number;
  #applying = 0;
  #applyingBytes = 0;

  /** @param maxRows resources remembered of this peer; one more is answered `full` */
  constructor(snapshot: InboxSnapshot, maxRows = MAX_INBOX_ROWS) {
    this.#maxRows = maxRows;
    this.#settled = snapshot.settled;
    this.#applied = new Map([...snapshot.applied].sort(([, a], [, b]) => a - b));
    this.#begun = new Map([...snapshot.begun].sort(([, a], [, b]) => a.version - b.version));
  }

  /** Rows held, of both kinds. */
  get rows(): number {
    return this.#applied.size + this.#begun.size;
  }

  /** Handlers running and events waiting behind them. */
  get applying(): number {
    return this.#applying;
  }

  /** Bytes of the same. */
  get applyingBytes(): number {
    return this.#applyingBytes;
  }

  /** An event of the peer arrived; `version` is the number in its `eventid`, `bytes` what it counts against the window. */
  receive(arrived: Deliverable): Received {
    const { event, version } = arrived;
    const { resourceid } = event;
    if (version <= this.#settled) return STALE;
    const applied = this.#applied.get(resourceid) ?? 0;
    // A newer one that has only begun counts: it may have had its effect, and the sender has settled this one, or it would not have sent that.
    const begun = this.#begun.get(resourceid)?.version ?? 0;
    if (version < applied || version < begun) return STALE;
    const turn = this.#turns.get(resourceid);
    if (version === applied) return DUPLICATE;
    if (turn !== undefined) return this.#queue(turn, arrived);
    if (applied === 0 && begun === 0 && this.rows >= this.#maxRows) return FULL;
    return { kind: "apply", attempt: this.#start(arrived, new CoalescingQueue()).attempt };
  }

  /**
   * Whether an outcome still counts. False once the peer has lost its store under a running handler: that version is not to be recorded, as the
   * number will be given to another event. `finish` is due all the same.
   */
  isCurrent(resourceid: string, version: number): boolean {
    const turn = this.#turns.get(resourceid);
    return turn !== undefined && turn.running.version === version && !turn.orphaned;
  }

  /**
   * The handler of an event is through. For `applied`, call it when that is on disk; the ACK may leave then, not before. A rejection is
   * not written down: should its NACK be lost, the event comes again and is refused again. What was `discarded` leaves no row at all.
   */
  finish(resourceid: string, version: number, outcome: Ending): Finished {
    const turn = this.#turns.get(resourceid);
    invariant(turn?.running.version === version, "a handler finished that had not been started");
    this.#turns.delete(resourceid);
    this.#left(turn.running);
    if (!turn.orphaned) {
      if (outcome === "retry") return this.#block(turn);
      // Of a rejected one the attempts stay known: should it come again, that is a further one.
      if (outcome === "applied" || outcome === "discarded") this.#begun.delete(resourceid);
      if (outcome === "applied") this.#record(resourceid, version);
    }
    return this.#next(turn);
  }

  /** The peer will never again send anything up to `version`: what was kept to recognise it is forgotten. */
  settle(version: number): void {
    if (version <= this.#settled) return;
    this.#settled = version;
    forgetFront(this.#applied, (row) => row <= version);
    forgetFront(this.#begun, (row) => row.version <= version);
  }

  /** The peer's store is another one: its versions begin anew. Handlers that run go on, and their resources wait for them. */
  reset(): void {
    this.#settled = 0;
    this.#applied.clear();
    this.#begun.clear();
    for (const turn of this.#turns.values()) {
      turn.orphaned = true;
      for (let each = turn.queue.shift(); each !== undefined; each = turn.queue.shift()) this.#left(each);
    }
  }

  #entered({ bytes }: Deliverable): void {
    this.#applying += 1;
    this.#applyingBytes += bytes;
  }

  #left({ bytes }: Deliverable): void {
    this.#applying -= 1;
    this.#applyingBytes -= bytes;
  }

  #queue(turn: Turn, { event, version, bytes }: Deliverable): Received {
    const { running, orphaned, queue } = turn;
    if (version === running.version && !orphaned) return WAIT;
    // A sender has one event of a resource in flight, so it only looks back when it repeats itself.
    if (queue.last !== undefined && version <= queue.last.version)
      return contains(queue, version) ? WAIT : STALE;
    const queued = { event, version, bytes, eventClass: eventClass(event.type) };
    const superseded = queue.push(queued);
    this.#entered(queued);
    for (const each of superseded) this.#left(each);
    return superseded.length === 0 ? WAIT : { kind: "wait", superseded };
  }

  #start({ event, version, bytes }: Deliverable, queue: CoalescingQueue<Queued>): Starting {
    const { resourceid } = event;
    const before = this.#begun.get(resourceid);
    const attempt = before?.version === version ? before.attempts + 1 : 1;
    this.#begun.delete(resourceid);
    this.#begun.set(resourceid, { version, attempts: attempt });
    const running = { event, version, bytes };
    this.#turns.set(resourceid, { running, orphaned: false, queue });
    this.#entered(running);
    return { ...running, attempt };
  }

  #record(resourceid: string, version: number): void {
    this.#applied.delete(resourceid);
    this.#applied.set(resourceid, version);
  }

  #block({ queue }: Turn): Finished {
    if (queue.size === 0) return NOTHING;
    for (const each of queue) this.#left(each);
    return { next: undefined, blocked: [...queue] };
  }

  // What the peer has settled meanwhile is not applied: it has stopped waiting for an answer.
  #next({ queue }: Turn): Finished {
    for (let queued = queue.shift(); queued !== undefined; queued = queue.shift()) {
      this.#left(queued);
      if (queued.version > this.#settled) return { next: this.#start(queued, queue), blocked: NONE };
    }
    return NOTHING;
  }
}

function contains(queue: Iterable<Deliverable>, version: number): boolean {
  for (const queued of queue) if (queued.version === version) return true;
  return false;
}

/** Deletes from the front of a map, in insertion order, as long as `past` holds; what lies behind a later version goes with a later floor. */
function forgetFront<V>(map: Map<string, V>, past: (value: V) => boolean): void {
  for (const [key, value] of map) {
    if (!past(value)) return;
    map.delete(key);
  }
}
