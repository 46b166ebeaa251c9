import type { Timer, Timers } from "@hawser/runtime";

interface Due {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Timers that fire when a test says so, within its own turn: no promise job runs between two of them. For code that is tested in a few steps; a `VirtualRuntime` lets promise jobs settle
 * after each timer and has clocks and randomness as well.
 */
export class ManualTimers implements Timers {
  #now = 0;
  #due: Due[] = [];

  /** Milliseconds that have passed. */
  now(): number {
    return this.#now;
  }

  /** Timers set and not yet fired or cancelled. */
  get pending(): number {
    return this.#due.length;
  }

  after(delayMs: number, callback: () => void): Timer {
    const due = { at: this.#now + Math.max(0, delayMs), callback };
    this.#due.push(due);
    return {
      cancel: () => {
        this.#due = this.#due.filter((other) => other !== due);
      },
    };
  }

  soon(callback: () => void): Timer {
    return this.after(0, callback);
  }

  /** Lets time pass, and fires what comes due by when it is due, then in the order it was set. What a callback throws, this throws. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (;;) {
      const [next] = this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = until;
  }
}
