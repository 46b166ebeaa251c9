import type { HawserError } from "@hawser/protocol";
import type { EntryName } from "../disk/disk.js";
import type { Transaction } from "./transaction.js";

/** `refused`: certainly not on disk. `unknown`: nobody can tell. */
export type FailedOutcome = "refused" | "unknown";

/** One change of a store. Writes that arrive together share a commit, in order. */
export interface Write<T> {
  /** Whether the result has to be on disk. One such write makes the whole commit durable. */
  readonly sync: boolean;
  /** Names keys that `apply` reads, for one read per commit. Naming none is slower. */
  reads?(plan: ReadPlan): void;
  /**
   * Reads first, then changes. It throws only before its first change, and then this write alone
   * fails. The function it returns runs once the commit is on disk, in order, and makes the result.
   */
  apply(tx: Transaction): (() => T) | Promise<() => T>;
  /** Turns a failure into a result, or rejects. @default the promise rejects with the error */
  failed?(error: HawserError, outcome: FailedOutcome): T | Promise<T>;
}

/** A write as the queue holds it. It answers through its own callbacks. */
export interface CommitItem extends Pick<Write<unknown>, "sync" | "reads"> {
  apply(tx: Transaction): Promise<void> | void;
  failed(error: HawserError, outcome: FailedOutcome): void;
}

/** The rows and entries a commit is going to read. */
export class ReadPlan {
  readonly keys = new Set<string>();
  readonly entries: EntryName[] = [];
}
