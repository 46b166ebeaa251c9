import type { Timers } from "@hawser/runtime";

interface Due {
  readonly at: number;
  readonly callback: () => void;
}

/** Timers that run when a test says so. */
export class ManualTimers implements Timers {
  #now = 0;
  #due: Due[] = [];

  now(): number {
    return this.#now;
  }

  get pending(): number {
    return this.#due.length;
  }

  after(delayMs: number, callback: () => void) {
    const due = { at: this.#now + delayMs, callback };
    this.#due.push(due);
    return {
      cancel: () => {
        this.#due = this.#due.filter((other) => other !== due);
      },
    };
  }

  soon(callback: () => void) {
    return this.after(0, callback);
  }

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
