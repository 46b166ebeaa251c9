import type { Timers } from "./timers.js";

/**
 * Steps of which only so many are taken in one turn of the event loop; the others follow in later ones, first come first. For what strangers may ask for all together: others
 * have their turns between.
 */
export class TurnQueue {
  readonly #timers: Timers;
  readonly #perTurn: number;
  /** Those before `#next` were taken. */
  #waiting: (() => void)[] = [];
  #next = 0;
  #taken = 0;

  constructor(timers: Timers, perTurn: number) {
    this.#timers = timers;
    this.#perTurn = perTurn;
  }

  /** Takes the step before this returns where the turn has room for it. A step must not throw. */
  run(step: () => void): void {
    if (this.#taken < this.#perTurn) return this.#take(step);
    this.#waiting.push(step);
  }

  #take(step: () => void): void {
    if (this.#taken === 0) this.#timers.soon(() => this.#nextTurn());
    this.#taken += 1;
    step();
  }

  #nextTurn(): void {
    this.#taken = 0;
    while (this.#taken < this.#perTurn) {
      const step = this.#waiting[this.#next];
      if (step === undefined) break;
      this.#next += 1;
      this.#take(step);
    }
    if (this.#next < this.#waiting.length) return;
    this.#waiting = [];
    this.#next = 0;
  }
}
