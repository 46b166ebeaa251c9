import type { HawserError } from "@hawser/protocol";
import type { EntryName } from "../disk/disk.js";
import type { Transaction } from "./transaction.js";

/** `refused`: certainly not on disk. `unknown`: nobody can tell. */
export type FailedOutcome = "refused" | "unknown";

/** One thing somebody wants written. Those that come together are committed together, in order. */
export interface CommitItem {
  /** Whether it counts only once it is on disk. One such item makes the whole commit durable. */
  readonly sync: boolean;
  /** Names keys that `apply` will read, so that all items of a commit read in one go. Naming none is only slower. */
  reads?(plan: ReadPlan): void;
  /** Reads first, then changes: whatever it throws, it throws before its first change, and only this item fails. */
  apply(tx: Transaction): Promise<void> | void;
  failed(error: HawserError, outcome: FailedOutcome): void;
}

/** The rows and entries a commit is going to read. */
export class ReadPlan {
  readonly keys = new Set<string>();
  readonly entries: EntryName[] = [];
  readonly #counts = new Map<string, number>();

  /** How often this was asked for `what` in this commit before. */
  ordinal(what: string): number {
    const count = this.#counts.get(what) ?? 0;
    this.#counts.set(what, count + 1);
    return count;
  }
}
