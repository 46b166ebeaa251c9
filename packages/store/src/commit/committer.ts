import { HawserError } from "@hawser/protocol";
import type { Logger, Timer, Timers } from "@hawser/runtime";
import { ReadPlan, type CommitItem, type FailedOutcome } from "./write.js";
import { CommitQueue, MAX_COMMIT_BYTES, MAX_QUEUED_ITEMS } from "./commit-queue.js";
import type { OpenDisk } from "../disk/disk.js";
import type { PeerTable } from "./peer-table.js";
import { notStarted, type StoreDevice } from "./recovering-disk.js";
import { Transaction } from "./transaction.js";

/** How long what may be lost waits for a commit to join. */
export const DEFAULT_LAZY_FLUSH_MS = 50;

/** What is written along with whatever commits next, or by itself after a while. */
export interface LazyWork {
  readonly empty: boolean;
  reads(plan: ReadPlan): void;
  apply(tx: Transaction): Promise<void>;
}

export interface CommitterOptions {
  readonly timers: Timers;
  readonly logger: Logger;
  readonly lazyFlushMs: number;
}

/** Group commit: one commit at a time, and what comes meanwhile shares the next. */
export class Committer {
  readonly #device: StoreDevice;
  readonly #peers: PeerTable;
  readonly #lazy: LazyWork;
  readonly #options: CommitterOptions;
  readonly #queue = new CommitQueue();
  #state: "stopped" | "idle" | "running" = "stopped";
  #flush: Timer | undefined;
  #flushDue = false;
  /** Of the last commit that was tried. */
  #number = 0;
  /** Of the last commit that is on disk and was answered for. */
  #answered = 0;
  /** Something was written since the last synced commit. */
  #unsynced = false;

  constructor(device: StoreDevice, peers: PeerTable, lazy: LazyWork, options: CommitterOptions) {
    this.#device = device;
    this.#peers = peers;
    this.#lazy = lazy;
    this.#options = options;
  }

  start(): void {
    this.#state = "idle";
  }

  /** @param number of the last commit on disk. Numbers tried and lost are not used again. */
  continueFrom(number: number): void {
    this.#number = Math.max(this.#number, number);
    this.#answered = number;
  }

  enqueue(item: CommitItem): void {
    if (this.#state === "stopped") return item.failed(notStarted(), "refused");
    if (!this.#queue.push(item)) return item.failed(overloaded(), "refused");
    this.#wake();
  }

  /** Lazy work has gathered: it is written soon. */
  lazyGathered(): void {
    if (this.#state === "stopped" || this.#flush !== undefined) return;
    this.#flush = this.#options.timers.after(this.#options.lazyFlushMs, () => {
      this.#flush = undefined;
      this.#flushDue = true;
      this.#wake();
    });
  }

  /** Resolves once everything enqueued and gathered so far is written; with `sync`, durably. */
  settled(sync = false): Promise<void> {
    return new Promise((resolve, reject) => {
      this.enqueue({ sync, apply: (tx) => tx.afterCommit(resolve), failed: reject });
    });
  }

  /** Finishes what is queued, writes what gathered, and accepts nothing more. */
  async stop(): Promise<void> {
    const written = this.settled(true).catch(() => {});
    this.#state = "stopped";
    await written;
    this.#flush?.cancel();
    this.#flush = undefined;
  }

  #wake(): void {
    if (this.#state !== "idle") return;
    this.#state = "running";
    // One turn later, so that what is enqueued in this one is committed together.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (!this.#queue.empty || this.#flushDue) {
      this.#flushDue = false;
      await this.#commit(new Set(this.#queue.take()));
      if (!this.#lazy.empty) this.lazyGathered();
    }
    if (this.#state === "running") this.#state = "idle";
  }

  /** Each item of `open` hears how it ended, once; those that have are taken out. */
  async #commit(open: Set<CommitItem>): Promise<void> {
    try {
      const disk = await this.#device.writable();
      const tx = new Transaction(disk, this.#peers);
      await this.#build(tx, open);
      await this.#write(disk, tx, open);
    } catch (thrown) {
      failAll(open, this.#device.explain(thrown), "refused");
    }
  }

  async #build(tx: Transaction, open: Set<CommitItem>): Promise<void> {
    const plan = new ReadPlan();
    this.#lazy.reads(plan);
    for (const item of open) item.reads?.(plan);
    await tx.prefetch(plan.keys);
    await tx.prefetchEntries(plan.entries);
    await this.#lazy.apply(tx);
    for (const item of open) {
      if (tx.bytes >= MAX_COMMIT_BYTES) return this.#postpone(item, open);
      const before = tx.revision;
      try {
        const applying = item.apply(tx);
        if (applying !== undefined) await applying;
      } catch (thrown) {
        // Once it has made changes, they cannot be told from those of the others.
        if (tx.revision !== before) throw thrown;
        open.delete(item);
        item.failed(this.#device.explain(thrown), "refused");
      }
    }
  }

  /** The commit is large enough: `first` and everything behind it wait for the next. */
  #postpone(first: CommitItem, open: Set<CommitItem>): void {
    const all = [...open];
    const rest = all.slice(all.indexOf(first));
    for (const item of rest) open.delete(item);
    this.#queue.putBack(rest);
  }

  async #write(disk: OpenDisk, tx: Transaction, open: Set<CommitItem>): Promise<void> {
    const sync = [...open].some((item) => item.sync);
    const changes = tx.seal(this.#number + 1, sync && this.#unsynced);
    if (changes !== undefined) {
      const number = ++this.#number;
      try {
        await disk.write(changes, sync);
      } catch (thrown) {
        if (!(await this.#survives(this.#device.explain(thrown), number, tx, open))) return;
      }
      this.#answered = number;
      this.#unsynced = !sync;
    }
    tx.publish();
  }

  /** A write failed. True when it is on disk all the same. */
  async #survives(
    error: HawserError,
    number: number,
    tx: Transaction,
    open: Set<CommitItem>,
  ): Promise<boolean> {
    const fate = await this.#device.recover(error, { number, after: this.#answered });
    this.#options.logger.error({ err: error, code: error.code, fate }, "a commit failed");
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
