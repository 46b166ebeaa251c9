import type { Runtime } from "./runtime.js";
import { TurnShare, type TurnRate } from "./turn-share.js";

interface Step {
  readonly take: () => void;
  readonly amount: number;
}

/**
 * Spreads steps over turns of the event loop, in order and as many per turn as `TurnShare` allows,
 * for work that many may request at once.
 */
export class TurnQueue {
  readonly #share: TurnShare;
  readonly #waiting: Step[] = [];

  constructor(runtime: Pick<Runtime, "clock" | "timers">, rate: TurnRate) {
    this.#share = new TurnShare(runtime, rate, () => this.#goOn());
  }

  /**
   * Takes the step before it returns if this turn has room. A step must not throw.
   * @param amount share of the turn, in the unit of the rate
   */
  run(take: () => void, amount = 1): void {
    const step = { take, amount };
    if (this.#share.hasRoom && this.#waiting.length === 0) this.#take(step);
    else this.#waiting.push(step);
  }

  #take({ take, amount }: Step): void {
    this.#share.take(amount);
    take();
  }

  // Removes each step at once: under a flood the queue never empties.
  #goOn(): void {
    while (this.#share.hasRoom) {
      const step = this.#waiting.shift();
      if (step === undefined) return;
      this.#take(step);
    }
  }
}
