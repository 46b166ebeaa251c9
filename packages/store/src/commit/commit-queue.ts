import type { CommitItem } from "./write.js";

/**
 * A commit takes so many items or bytes, the rest waits for the next: keeps the time of one commit in tens of milliseconds. Larger ones cost less each, but while one is made and written the
 * peers have nothing to do (bench/README.md).
 */
export const MAX_COMMIT_ITEMS = 2_048;
export const MAX_COMMIT_BYTES = 2_097_152;
/** Items that may wait. Beyond, they are answered `overloaded` at once; whoever waits for answers never gets there. */
export const MAX_QUEUED_ITEMS = 65_536;

/** What waits for a commit, in order. */
export class CommitQueue {
  #items: CommitItem[] = [];

  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** False at the bound. */
  push(item: CommitItem): boolean {
    if (this.#items.length >= MAX_QUEUED_ITEMS) return false;
    this.#items.push(item);
    return true;
  }

  /** The items of the next commit. */
  take(): readonly CommitItem[] {
    return this.#items.splice(0, MAX_COMMIT_ITEMS);
  }

  /** Items of a commit that had become too large: they come first in the next. */
  putBack(items: readonly CommitItem[]): void {
    this.#items.unshift(...items);
  }
}
