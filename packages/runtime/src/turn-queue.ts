import type { Runtime } from "./runtime.js";
import { TurnShare } from "./turn-share.js";

/**
 * Steps of which only so many are taken in one turn of the event loop (`TurnShare`); the others follow in later ones, first come first. For what strangers may ask for all together:
 * others have their turns between.
 */
export class TurnQueue {
  readonly #share: TurnShare;
  readonly #waiting: (() => void)[] = [];

  constructor(runtime: Pick<Runtime, "clock" | "timers">, perTurn: number) {
    this.#share = new TurnShare(runtime, perTurn, () => this.#goOn());
  }

  /** Takes the step before this returns where the turn has room for it. A step must not throw. */
  run(step: () => void): void {
    if (this.#share.hasRoom && this.#waiting.length === 0) return this.#take(step);
    this.#waiting.push(step);
  }

  #take(step: () => void): void {
    this.#share.take();
    step();
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
