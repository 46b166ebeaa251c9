import type { HawserError } from "@hawser/protocol";
import type { CommitItem } from "../commit/write.js";
import type { Transaction } from "../commit/transaction.js";

/** A tombstone goes: the name begins anew. */
export class ReadmitItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #done: (found: boolean) => void;
  readonly #failed: (error: HawserError) => void;

  constructor(peer: string, done: (found: boolean) => void, failed: (error: HawserError) => void) {
    this.#peer = peer;
    this.#done = done;
    this.#failed = failed;
  }

  apply(tx: Transaction): void {
    const found = tx.readmit(this.#peer);
    tx.afterCommit(() => this.#done(found));
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }
}
