import type { HawserError } from "@hawser/protocol";
import type { CommitItem, ReadPlan } from "../commit/write.js";
import { deadLetterKey } from "../layout/keys.js";
import { identify } from "../layout/entry-identity.js";
import type { RetainedRows } from "./retained-rows.js";
import { decodeDeadLetter } from "../layout/rows.js";
import type { Transaction } from "../commit/transaction.js";

/** A dead letter is thrown away. It was settled when it became one, so nobody who delivers this mailbox has to hear of it. */
export class DiscardItem implements CommitItem {
  readonly sync = true;
  readonly #peer: string;
  readonly #version: number;
  readonly #retained: RetainedRows;
  readonly #done: (found: boolean) => void;
  readonly #failed: (error: HawserError) => void;

  constructor(
    target: { readonly peer: string; readonly version: number },
    retained: RetainedRows,
    done: (found: boolean) => void,
    failed: (error: HawserError) => void,
  ) {
    this.#peer = target.peer;
    this.#version = target.version;
    this.#retained = retained;
    this.#done = done;
    this.#failed = failed;
  }

  reads(plan: ReadPlan): void {
    plan.keys.add(deadLetterKey(this.#peer, this.#version));
  }

  async apply(tx: Transaction): Promise<void> {
    const key = deadLetterKey(this.#peer, this.#version);
    const value = await tx.get(key);
    const meta = tx.mailbox(this.#peer);
    if (value === undefined || meta === undefined) return tx.afterCommit(() => this.#done(false));
    const { event, bytes } = decodeDeadLetter(value, this.#version, key);
    const entry = identify(this.#version, bytes, event);
    const giveUp = await this.#retained.givingUp(tx, this.#peer, entry, "discarded");
    giveUp();
    tx.remove(key);
    const draft = tx.draft(this.#peer, meta);
    draft.deadLetters -= 1;
    draft.bytes -= bytes;
    tx.afterCommit(() => this.#done(true));
  }

  failed(error: HawserError): void {
    this.#failed(error);
  }
}
