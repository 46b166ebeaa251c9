import type { Timers } from "@hawser/runtime";

/** Gathers what comes within one tick, to be written at once at its end. */
export class TickBatch<T> {
  readonly #timers: Timers;
  readonly #write: (batch: readonly T[]) => void;
  #gathered: T[] = [];

  /** @param write must not throw */
  constructor(timers: Timers, write: (batch: readonly T[]) => void) {
    this.#timers = timers;
    this.#write = write;
  }

  add(item: T): void {
    this.#gathered.push(item);
    if (this.#gathered.length > 1) return;
    this.#timers.soon(() => {
      const batch = this.#gathered;
      this.#gathered = [];
      this.#write(batch);
    });
  }
}
