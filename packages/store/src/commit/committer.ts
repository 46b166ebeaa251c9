import { HawserError } from "@hawser/protocol";
import type { Logger, Timer, Timers } from "@hawser/runtime";
import type { OpenDisk } from "../disk/disk.js";
import type { EntryHolders } from "./mailbox-draft.js";
import type { PeerTable } from "./peer-table.js";
import { notStarted, type RecoveringDisk } from "./recovering-disk.js";
import { Transaction } from "./transaction.js";
import { ReadPlan, type CommitItem, type FailedOutcome, type Write } from "./write.js";

/** How long lazy work waits for a commit to join. */
export const DEFAULT_LAZY_FLUSH_MS = 50;
/**
 * A commit takes so many items or bytes, and the rest waits for the next. Larger ones cost less
 * each, but the peers idle while one is made, some tens of milliseconds (bench/README.md).
 */
export const MAX_COMMIT_ITEMS = 2_048;
const MAX_COMMIT_BYTES = 2_097_152;
/** Items that may wait. Each further one is answered `overloaded` at once. */
const MAX_QUEUED_ITEMS = 65_536;

/** Changes that go with the next commit, or with one of their own after a while. */
export interface LazyWork {
  readonly empty: boolean;
  reads(plan: ReadPlan): void;
  apply(tx: Transaction): Promise<void>;
}

export interface CommitterParts {
  readonly disk: RecoveringDisk;
  readonly peers: PeerTable;
  readonly holders: EntryHolders;
  readonly lazy: LazyWork;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly lazyFlushMs: number;
}

/** Group commit: one commit at a time. Writes that come meanwhile share the next. */
export class Committer {
  readonly #parts: CommitterParts;
  readonly #queue: CommitItem[] = [];
  #state: "stopped" | "idle" | "running" = "stopped";
  #lazyTimer: Timer | undefined;
  #isLazyDue = false;
  /** Of the last commit that was tried. */
  #number = 0;
  /** Of the last commit that is on disk and was answered for. */
  #answered = 0;
  /** Something was written since the last synced commit. */
  #unsynced = false;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#state = "idle";
  }

  /** @param number of the last commit on disk. Numbers tried and lost are not used again. */
  continueFrom(number: number): void {
    this.#number = Math.max(this.#number, number);
    this.#answered = number;
  }

  /**
   * Writes this, and answers with its result.
   *
   * @throws HawserError `overloaded`; `store_unavailable`, `store_full` or `store_corrupt` where it
   *   could not be written; what `write.apply` throws
   */
  commit<T>(write: Write<T>): Promise<T> {
    return new Promise((resolve, reject) =>
      this.enqueue({
        sync: write.sync,
        reads: (plan) => write.reads?.(plan),
        apply(tx) {
          const answer = (make: () => T): void => tx.afterCommit(() => resolve(make()));
          const answering = write.apply(tx);
          return answering instanceof Promise ? answering.then(answer) : answer(answering);
        },
        failed(...why) {
          if (write.failed === undefined) reject(why[0]);
          else resolve(write.failed(...why));
        },
      }),
    );
  }

  /** As `commit`, without a promise: thousands of appends may wait for one commit. */
  enqueue(item: CommitItem): void {
    if (this.#state === "stopped") return item.failed(notStarted(), "refused");
    if (this.#queue.length >= MAX_QUEUED_ITEMS) return item.failed(overloaded(), "refused");
    this.#queue.push(item);
    this.#wake();
  }

  /** Lazy work has gathered: it is written soon. */
  lazyGathered(): void {
    if (this.#state === "stopped" || this.#lazyTimer !== undefined) return;
    this.#lazyTimer = this.#parts.timers.after(this.#parts.lazyFlushMs, () => {
      this.#lazyTimer = undefined;
      this.#isLazyDue = true;
      this.#wake();
    });
  }

  /** Resolves once everything enqueued and gathered so far is written; with `sync`, durably. */
  flush(sync = false): Promise<void> {
    return this.commit({ sync, apply: () => () => {} });
  }

  /** Finishes what is queued, writes what gathered, and accepts nothing more. */
  async stop(): Promise<void> {
    const written = this.flush(true).catch(() => {});
    this.#state = "stopped";
    await written;
    this.#lazyTimer?.cancel();
    this.#lazyTimer = undefined;
  }

  #wake(): void {
    if (this.#state !== "idle") return;
    this.#state = "running";
    // One turn later, so that writes enqueued in this one are committed together.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#isLazyDue) {
      this.#isLazyDue = false;
      await this.#commit(new Set(this.#queue.splice(0, MAX_COMMIT_ITEMS)));
      if (!this.#parts.lazy.empty) this.lazyGathered();
    }
    if (this.#state === "running") this.#state = "idle";
  }

  /** Each item of `open` is answered once; those that were are taken out. */
  async #commit(open: Set<CommitItem>): Promise<void> {
    const { disk, peers, holders } = this.#parts;
    try {
      const writable = await disk.writable();
      const tx = new Transaction(writable, peers, holders);
      await this.#build(tx, open);
      await this.#write(writable, tx, open);
    } catch (thrown) {
      failAll(open, disk.explain(thrown), "refused");
    }
  }

  async #build(tx: Transaction, open: Set<CommitItem>): Promise<void> {
    const { lazy, disk } = this.#parts;
    const plan = new ReadPlan();
    lazy.reads(plan);
    for (const item of open) item.reads?.(plan);
    await tx.prefetch(plan.keys);
    await tx.prefetchEntries(plan.entries);
    await lazy.apply(tx);
    for (const item of open) {
      if (tx.bytes >= MAX_COMMIT_BYTES) return this.#postpone(item, open);
      const before = tx.revision;
      try {
        const applying = item.apply(tx);
        if (applying !== undefined) await applying;
      } catch (thrown) {
        // Its changes cannot be separated from those of the others.
        if (tx.revision !== before) throw thrown;
        open.delete(item);
        item.failed(disk.explain(thrown), "refused");
      }
    }
  }

  /** The commit is large enough: `first` and everything behind it come first in the next. */
  #postpone(first: CommitItem, open: Set<CommitItem>): void {
    const all = [...open];
    const rest = all.slice(all.indexOf(first));
    for (const item of rest) open.delete(item);
    this.#queue.unshift(...rest);
  }

  async #write(disk: OpenDisk, tx: Transaction, open: Set<CommitItem>): Promise<void> {
    const sync = [...open].some((item) => item.sync);
    const changes = tx.seal(this.#number + 1, sync && this.#unsynced);
    if (changes !== undefined) {
      const number = ++this.#number;
      try {
        await disk.write(changes, sync);
      } catch (thrown) {
        if (!(await this.#survives(this.#parts.disk.explain(thrown), number, tx, open))) return;
      }
      this.#answered = number;
      this.#unsynced = !sync;
    }
    tx.publish();
  }

  /** A write failed. True when it is on disk nevertheless. */
  async #survives(
    error: HawserError,
    number: number,
    tx: Transaction,
    open: Set<CommitItem>,
  ): Promise<boolean> {
    const fate = await this.#parts.disk.recover(error, { number, after: this.#answered });
    this.#parts.logger.error({ err: error, code: error.code, fate }, "a commit failed");
    if (fate === "landed") return true;
    if (fate === "unknown") tx.abandon();
    failAll(open, error, fate === "unknown" ? "unknown" : "refused");
    return false;
  }
}

function failAll(items: ReadonlySet<CommitItem>, error: HawserError, outcome: FailedOutcome): void {
  for (const item of items) item.failed(error, outcome);
}

function overloaded(): HawserError {
  return new HawserError("overloaded", `${MAX_QUEUED_ITEMS} writes wait for the disk; try again later`);
}
