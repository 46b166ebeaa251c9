import type { HawserError } from "@hawser/protocol";
import type { EntryName } from "../disk/disk.js";
import type { Transaction } from "./transaction.js";

/** `refused`: certainly not on disk. `unknown`: nobody can tell. */
export type FailedOutcome = "refused" | "unknown";

/** One change of a store, for `Committer.commit`. Writes that come together share a commit, in order. */
export interface Write<T> {
  /** Whether the result counts only once it is on disk. One such write makes the whole commit durable. */
  readonly sync: boolean;
  /** Names keys that `apply` reads, so that the commit reads all of them at once. Naming none is slower. */
  reads?(plan: ReadPlan): void;
  /**
   * Reads first, then changes: it throws before its first change only, and then this write alone fails.
   * The function it returns runs once the commit is on disk, in the order of the writes, and makes
   * the result.
   */
  apply(tx: Transaction): (() => T) | Promise<() => T>;
  /** Turns a failure into a result, or throws. @default the promise rejects with the error */
  failed?(error: HawserError, outcome: FailedOutcome): T;
}

/** A write as the queue holds it. It answers through its own callbacks. */
export interface CommitItem extends Pick<Write<unknown>, "sync" | "reads"> {
  apply(tx: Transaction): Promise<void> | void;
  failed(error: HawserError, outcome: FailedOutcome): void;
}

/** A `Write` in the queue, and the promise of its result. */
export class PromisedWrite<T> implements CommitItem {
  readonly sync: boolean;
  readonly promise: Promise<T>;
  readonly #write: Write<T>;
  #resolve: (value: T | PromiseLike<T>) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(write: Write<T>) {
    this.#write = write;
    this.sync = write.sync;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  reads(plan: ReadPlan): void {
    this.#write.reads?.(plan);
  }

  apply(tx: Transaction): Promise<void> | void {
    const answering = this.#write.apply(tx);
    const answer = (make: () => T): void => tx.afterCommit(() => this.#resolve(make()));
    return answering instanceof Promise ? answering.then(answer) : answer(answering);
  }

  failed(error: HawserError, outcome: FailedOutcome): void {
    try {
      if (this.#write.failed === undefined) this.#reject(error);
      else this.#resolve(this.#write.failed(error, outcome));
    } catch (thrown) {
      this.#reject(thrown);
    }
  }
}

/** The rows and entries a commit is going to read. */
export class ReadPlan {
  readonly keys = new Set<string>();
  readonly entries: EntryName[] = [];
}
