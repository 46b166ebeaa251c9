import { eventClass, type EventClass } from "@hawser/protocol";
import { CoalescingQueue } from "./coalescing-queue.js";
import { CountedRows } from "./counted-rows.js";
import type { Deliverable } from "./deliverable.js";
import { InboxBudget, rowBytes } from "./inbox-budget.js";
import type {
  Arrived,
  Ending,
  Finished,
  InboxLimits,
  InboxSnapshot,
  Received,
  Starting,
} from "./inbox-decisions.js";
import { misused } from "./invariant.js";

/** What is running, or waits behind that. */
interface Applying extends Deliverable {
  readonly heapBytes: number;
  readonly isAttemptRecorded: boolean;
}

interface Queued extends Applying {
  readonly eventClass: EventClass;
}

/** The handler of a resource and what waits behind it. */
interface ActiveHandler {
  readonly running: Applying;
  /** The peer lost its store after the handler began: the version of `running` is void. */
  orphaned: boolean;
  readonly queue: CoalescingQueue<Queued>;
}

/**
 * Rows of one peer: as many as a full mailbox of commands about different resources. `InboxBudget`
 * bounds their memory as well.
 */
export const MAX_INBOX_ROWS = 100_000;

const NONE: readonly never[] = [];
const DUPLICATE: Received = { kind: "duplicate" };
const STALE: Received = { kind: "stale" };
const NO_ROWS: Received = { kind: "full", of: "rows" };
const NO_MEMORY: Received = { kind: "full", of: "memory" };
const WAIT: Received = { kind: "wait", superseded: NONE };
const NOTHING: Finished = { next: undefined, blocked: NONE };

/**
 * Decides what becomes of a peer's events: nothing recorded as applied is applied again, no
 * resource goes back to an older version, and one handler runs per resource (PROTOCOL.md,
 * Delivery). One per peer; it outlives sessions, because handlers do.
 *
 * It is the memory in front of a durable inbox: the caller writes down the outcome and then calls
 * `finish`. One row per resource is held until the peer's settled floor has passed it, as many as
 * `InboxLimits` allow and one more: the peer's oldest event has a row in any case, as nothing else
 * raises its floor. What waits is bounded by the window, which the caller enforces by `applying`
 * and `applyingBytes`. All operations take constant time.
 */
export class Inbox {
  // In the order of recording, nearly that of versions: the floor applies from the front.
  readonly #applied: CountedRows<number>;
  readonly #begun: CountedRows<{ readonly version: number; readonly attempts: number }>;
  readonly #active = new Map<string, ActiveHandler>();
  readonly #maxRows: number;
  readonly #budget: InboxBudget;
  readonly #maxHeapBytes: number;
  #settled: number;
  /** The resource that was let in though there was no room; the next one is when it has gone. */
  #extra: string | undefined;
  #rowBytes = 0;
  #applying = 0;
  #applyingBytes = 0;
  #applyingHeapBytes = 0;

  constructor(snapshot: InboxSnapshot, limits: InboxLimits = {}) {
    this.#maxRows = limits.maxRows ?? MAX_INBOX_ROWS;
    this.#budget = limits.budget ?? new InboxBudget();
    this.#maxHeapBytes = limits.maxHeapBytes ?? Number.POSITIVE_INFINITY;
    this.#settled = snapshot.settled;
    const changed = (byBytes: number): void => {
      this.#rowBytes += byBytes;
      this.#budget.changed(byBytes);
    };
    const applied = [...snapshot.applied].sort(([, a], [, b]) => a - b);
    this.#applied = new CountedRows(applied, changed);
    const begun = [...snapshot.begun].sort(([, a], [, b]) => a.version - b.version);
    this.#begun = new CountedRows(begun, changed);
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

  /** What the rows take in memory. */
  get rowBytes(): number {
    return this.#rowBytes;
  }

  /** An event of the peer arrived. */
  receive(arrived: Arrived): Received {
    const { event, version } = arrived;
    const { resourceid } = event;
    if (version <= this.#settled) return STALE;
    const applied = this.#applied.get(resourceid) ?? 0;
    // A newer version whose handler only started also makes this one stale: the sender would not
    // have sent it before settling this one.
    const begun = this.#begun.get(resourceid)?.version ?? 0;
    if (version < applied || version < begun) return STALE;
    const active = this.#active.get(resourceid);
    if (version === applied) return DUPLICATE;
    const { heapBytes = arrived.bytes, isAttemptRecorded = true } = arrived;
    const entering = { event, version, bytes: arrived.bytes, heapBytes, isAttemptRecorded };
    const hasRow = (applied !== 0 || begun !== 0) && resourceid !== this.#extra;
    if (!hasRow && !this.#letIn(resourceid, version)) return NO_ROWS;
    if (active !== undefined) return this.#queue(active, entering);
    if (!this.#mayApply(heapBytes)) return NO_MEMORY;
    return { kind: "apply", attempt: this.#start(entering, new CoalescingQueue()).attempt };
  }

  /**
   * Whether to record an outcome. False once the peer lost its store under the handler: its number
   * will belong to another event. Call `finish` in any case.
   */
  isCurrent(resourceid: string, version: number): boolean {
    const active = this.#active.get(resourceid);
    return active !== undefined && active.running.version === version && !active.orphaned;
  }

  /**
   * The handler of an event ended. For `applied`, call it once that is on disk; the ACK follows. A
   * rejection leaves no record, so that an event whose NACK was lost is refused again.
   */
  finish(resourceid: string, version: number, outcome: Ending): Finished {
    const active = this.#active.get(resourceid);
    if (active?.running.version !== version)
      throw misused(
        `version ${version} finished and had not been started; finish what receive answered with as apply, once`,
        { resourceid },
      );
    this.#active.delete(resourceid);
    this.#left(active.running);
    if (!active.orphaned) {
      if (outcome === "retry") return this.#block(active);
      // Of a rejected one the attempts stay known: should it come again, that is a further one.
      if (outcome !== "rejected" || !active.running.isAttemptRecorded) this.#begun.delete(resourceid);
      // What the floor has passed meanwhile is stale without a row, and nothing would delete one.
      if (outcome === "applied" && version > this.#settled) this.#applied.put(resourceid, version);
    }
    return this.#next(active);
  }

  /** The peer never sends a version up to this one again: their rows are forgotten. */
  settle(version: number): void {
    if (version <= this.#settled) return;
    this.#settled = version;
    this.#applied.forgetFront((row) => row <= version);
    this.#begun.forgetFront((row) => row.version <= version);
    if (this.#extra === undefined) return;
    // It may be behind a row of a later version.
    this.#applied.forget(this.#extra, (row) => row <= version);
    this.#begun.forget(this.#extra, (row) => row.version <= version);
  }

  /** Nobody will ask this inbox again: its room is for others. */
  close(): void {
    this.#applied.clear();
    this.#begun.clear();
  }

  /** The peer's store is another one. Handlers keep running, and their resources wait for them. */
  reset(): void {
    this.#settled = 0;
    this.#extra = undefined;
    this.#applied.clear();
    this.#begun.clear();
    for (const active of this.#active.values()) {
      active.orphaned = true;
      for (let each = active.queue.shift(); each !== undefined; each = active.queue.shift()) this.#left(each);
    }
  }

  // Only the answer to its oldest event raises the peer's floor and makes room, so that event is
  // let in over the bound. One resource at a time, and only its oldest event: a peer that repeats
  // one number, or sends newer events of that resource, could otherwise add rows without bound.
  #letIn(resourceid: string, version: number): boolean {
    const extra = this.#extra;
    if (this.rows < this.#maxRows && this.#budget.allows(this.#rowBytes, rowBytes(resourceid))) {
      if (extra === resourceid) this.#extra = undefined;
      return true;
    }
    if (version !== this.#settled + 1) return false;
    if (extra !== undefined && extra !== resourceid && this.#knows(extra)) return false;
    this.#extra = resourceid;
    return true;
  }

  #knows(resourceid: string): boolean {
    return this.#applied.has(resourceid) || this.#begun.has(resourceid) || this.#active.has(resourceid);
  }

  #mayApply(heapBytes: number): boolean {
    return this.#applying === 0 || this.#applyingHeapBytes + heapBytes <= this.#maxHeapBytes;
  }

  #entered({ bytes, heapBytes }: Applying): void {
    this.#applying += 1;
    this.#applyingBytes += bytes;
    this.#applyingHeapBytes += heapBytes;
  }

  #left({ bytes, heapBytes }: Applying): void {
    this.#applying -= 1;
    this.#applyingBytes -= bytes;
    this.#applyingHeapBytes -= heapBytes;
  }

  #queue(active: ActiveHandler, entering: Applying): Received {
    const { version, event } = entering;
    const { running, orphaned, queue } = active;
    if (version === running.version && !orphaned) return WAIT;
    // A sender has one event of a resource in flight, so it only looks back when it repeats itself.
    if (queue.last !== undefined && version <= queue.last.version)
      return contains(queue, version) ? WAIT : STALE;
    if (!this.#mayApply(entering.heapBytes)) return NO_MEMORY;
    const queued = { ...entering, eventClass: eventClass(event.type) };
    const superseded = queue.push(queued);
    this.#entered(queued);
    for (const each of superseded) this.#left(each);
    return superseded.length === 0 ? WAIT : { kind: "wait", superseded };
  }

  #start(running: Applying, queue: CoalescingQueue<Queued>): Starting {
    const { event, version, bytes } = running;
    const { resourceid } = event;
    const before = this.#begun.get(resourceid);
    const attempt = before?.version === version ? before.attempts + 1 : 1;
    this.#begun.put(resourceid, { version, attempts: attempt });
    this.#active.set(resourceid, { running, orphaned: false, queue });
    this.#entered(running);
    return { event, version, bytes, attempt };
  }

  #block({ queue }: ActiveHandler): Finished {
    if (queue.size === 0) return NOTHING;
    for (const each of queue) this.#left(each);
    return { next: undefined, blocked: [...queue] };
  }

  // What the peer has settled meanwhile is not applied: it has stopped waiting for an answer.
  #next({ queue }: ActiveHandler): Finished {
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
