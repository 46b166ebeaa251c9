import { isDeepStrictEqual } from "node:util";
import type { EventDraft, HawserError, JsonValue } from "@hawser/protocol";

/** A status as the principal will see it. */
export interface Status {
  readonly uid: string;
  /** Version of the spec it reflects. */
  readonly observed: string;
  readonly status: JsonValue;
}

/** How far a status has come. */
export interface StatusProgress {
  /** A write was tried: it is on disk, or waits for another try. */
  readonly tried: Promise<void>;
  /** This status or a newer one is on disk. Rejects when that can no longer happen. */
  readonly durable: Promise<void>;
}

interface Waiting extends Status {
  readonly draft: EventDraft;
  readonly tried: Deferred;
  readonly durable: Deferred;
}

/**
 * The newest status of a resource on its way to disk. At most one waits; a newer one replaces it
 * and answers its callers.
 */
export class StatusSlot {
  /** The one on disk, as far as is known; undefined until it was looked up. */
  #durable: Status | "unknown" | undefined = "unknown";
  #waiting: Waiting | undefined;
  #taken: Waiting | undefined;

  /** Resolves when the write that is under way is over; undefined when there is none. */
  get writing(): Promise<void> | undefined {
    return this.#taken?.tried.promise;
  }

  /** Nothing waits, and nothing is being written. */
  get isIdle(): boolean {
    return this.#waiting === undefined && this.#taken === undefined;
  }

  get known(): boolean {
    return this.#durable !== "unknown";
  }

  /** What the store says is on disk; ignored once a newer one was written. */
  know(status: Status | undefined): void {
    if (this.#durable === "unknown") this.#durable = status;
  }

  offer(status: Status, draft: EventDraft): StatusProgress {
    const { tried, durable } = this.#waiting ?? { tried: new Deferred(), durable: new Deferred() };
    this.#waiting = { ...status, draft, tried, durable };
    return { tried: tried.promise, durable: durable.promise };
  }

  /** Takes the status to write, unless it is on disk. `written` or `failed` must follow. */
  take(): EventDraft | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    this.#waiting = undefined;
    this.#taken = waiting;
    if (typeof this.#durable !== "object" || !isSame(this.#durable, waiting)) return waiting.draft;
    this.written();
    return undefined;
  }

  written(): void {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#taken = undefined;
    this.#durable = { uid: taken.uid, observed: taken.observed, status: taken.status };
    taken.tried.resolve();
    taken.durable.resolve();
  }

  /** Not written; it waits again unless a newer one does. */
  failed(): void {
    const taken = this.#taken;
    if (taken === undefined) return;
    this.#taken = undefined;
    taken.tried.resolve();
    if (this.#waiting === undefined) this.#waiting = taken;
    else this.#waiting.durable.promise.then(taken.durable.resolve, taken.durable.reject);
  }

  /** What waits is not wanted any more; what is being written goes on. */
  drop(): void {
    this.#waiting?.tried.resolve();
    this.#waiting?.durable.resolve();
    this.#waiting = undefined;
  }

  abort(error: HawserError): void {
    this.#waiting?.tried.resolve();
    this.#waiting?.durable.reject(error);
    this.#waiting = undefined;
  }
}

class Deferred {
  readonly promise: Promise<void>;
  resolve: () => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A rejection without a listener is no error.
    this.promise.catch(() => {});
  }
}

function isSame(left: Status, right: Status): boolean {
  return (
    left.uid === right.uid && left.observed === right.observed && isDeepStrictEqual(left.status, right.status)
  );
}
