import { Inbox, type InboxBudget } from "@hawser/delivery";
import { defined } from "@hawser/runtime";
import type { Begun, Recorded } from "@hawser/store";
import type { Delivery, Outcome } from "./delivery.js";
import { maxApplyingMemory } from "./inbox-bounds.js";
import type { ReceiverLease } from "./receiver-options.js";

/** An inbox in memory, while no other process writes the one on disk. */
export class InboxLife {
  readonly memory: Inbox;
  /** Keeps the mailbox of the peer until the life is closed. */
  readonly #use: { release(): void };
  #handlers = new AbortController();
  #recorded = 0;
  #isOver = false;

  constructor(lease: ReceiverLease, windowBytes: number | undefined, budget: InboxBudget | undefined) {
    const maxHeapBytes = maxApplyingMemory(windowBytes);
    this.memory = new Inbox(lease.inbox, { maxHeapBytes, ...defined({ budget }) });
    this.#use = lease.use();
  }

  /** Another process has the inbox: outcomes of handlers that began here are dropped. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** For the handlers that begin now. */
  get signal(): AbortSignal {
    return this.#handlers.signal;
  }

  /** How many events of the peer are recorded. */
  get recorded(): number {
    return this.#recorded;
  }

  /** @param count that the store has recorded; it only rises */
  noteRecorded(count: number): void {
    this.#recorded = Math.max(this.#recorded, count);
  }

  /** Handlers that run may not get a record of their effect. */
  abortHandlers(): void {
    this.#handlers.abort();
    this.#handlers = new AbortController();
  }

  /** Another process has the inbox. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.abort();
    this.close();
  }

  /** Gives the memory and the mailbox up. */
  close(): void {
    this.memory.close();
    this.#use.release();
  }
}

/** A delivery, and the inbox that let it begin. */
export interface Started extends Delivery {
  readonly life: InboxLife;
}

/** A delivery whose handler succeeded. */
export interface Applied {
  readonly delivery: Started;
  readonly outcome: Outcome & { readonly kind: "applied" };
}

export function begunOf({ event: { resourceid }, version, attempt, peerStore }: Started): Begun {
  return { resourceid, version, attempt, peerStore };
}

export function recordOf({ delivery, outcome: { retain } }: Applied): Recorded {
  const { event, version, peerStore } = delivery;
  const row = { resourceid: event.resourceid, version, peerStore };
  return retain === undefined ? row : { ...row, retain };
}
