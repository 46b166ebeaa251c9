import type { Runtime } from "./runtime.js";
import { TurnShare, type TurnRate } from "./turn-share.js";

interface Step {
  readonly take: () => void;
  readonly amount: number;
}

/**
 * Steps of which only so many are taken in one turn of the event loop (`TurnShare`); the others follow in later ones, first come first. For what many may ask for all together: others
 * have their turns between.
 */
export class TurnQueue {
  readonly #share: TurnShare;
  readonly #waiting: Step[] = [];

  constructor(runtime: Pick<Runtime, "clock" | "timers">, rate: TurnRate) {
    this.#share = new TurnShare(runtime, rate, () => this.#goOn());
  }

  /**
   * Takes the step before this returns where the turn has room for it. A step must not throw.
   *
   * @param amount what it takes of the turn, in what the rate counts
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

  // What was taken is let go of at once: under a flood somebody always waits.
  #goOn(): void {
    while (this.#share.hasRoom) {
      const step = this.#waiting.shift();
      if (step === undefined) return;
      this.#take(step);
    }
  }
}
