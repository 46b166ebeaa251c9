import type { CloudEvent } from "@hawser/protocol";
import type { Timer, Timers } from "@hawser/runtime";

/** What travels on a pipe. */
export type Parcel =
  | { readonly kind: "event"; readonly bytes: number; readonly frame: CloudEvent | string | Uint8Array }
  | { readonly kind: "close"; readonly code: number; readonly reason: string }
  | { readonly kind: "reset" };

export interface PipeEnds {
  /** Takes one parcel at the far end. */
  receive(parcel: Parcel): void;
  /** False while nothing may pass: the far end has not been opened, or the link is black-holed. */
  flowing(): boolean;
  /** Told at the near end after parcels have left. */
  drained(): void;
}

/** One direction of a memory connection: delivers what was queued in one tick together, later. */
export class MemoryPipe {
  readonly #timers: Timers;
  readonly #ends: PipeEnds;
  #parcels: Parcel[] = [];
  #head = 0;
  #flush: Timer | undefined;
  bufferedBytes = 0;

  constructor(timers: Timers, ends: PipeEnds) {
    this.#timers = timers;
    this.#ends = ends;
  }

  push(parcel: Parcel): void {
    if (parcel.kind === "event") this.bufferedBytes += parcel.bytes;
    this.#parcels.push(parcel);
    this.wake();
  }

  /** Drops what has not left and queues a reset in its place. */
  reset(): void {
    this.#parcels = [];
    this.#head = 0;
    this.bufferedBytes = 0;
    this.push({ kind: "reset" });
  }

  /** Call whenever `flowing` may have become true. */
  wake(): void {
    if (this.#flush !== undefined || this.#head === this.#parcels.length || !this.#ends.flowing()) return;
    this.#flush = this.#timers.soon(() => this.#deliver());
  }

  #deliver(): void {
    this.#flush = undefined;
    // Events that handlers send meanwhile wait for the next tick, so that two peers cannot starve
    // the process.
    for (let due = this.#parcels.length - this.#head; due > 0 && this.#ends.flowing(); due--) {
      const parcel = this.#parcels[this.#head];
      if (parcel === undefined) break;
      this.#head += 1;
      if (parcel.kind === "event") this.bufferedBytes -= parcel.bytes;
      this.#ends.receive(parcel);
    }
    this.#parcels = this.#parcels.slice(this.#head);
    this.#head = 0;
    this.#ends.drained();
    this.wake();
  }
}
