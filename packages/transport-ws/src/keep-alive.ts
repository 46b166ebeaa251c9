import type { Timer, Timers } from "@hawser/runtime";

/** Pings a connection that has sent nothing for an interval, so that what watches idle connections in between lets it be. */
export class KeepAlive {
  readonly #intervalMs: number;
  readonly #timers: Timers;
  readonly #ping: () => void;
  #timer: Timer | undefined;
  #quiet = true;

  /** @param intervalMs 0 for never */
  constructor(intervalMs: number, timers: Timers, ping: () => void) {
    this.#intervalMs = intervalMs;
    this.#timers = timers;
    this.#ping = ping;
    if (intervalMs > 0) this.#schedule();
  }

  /** Something was sent: the next ping is not needed. */
  alive(): void {
    this.#quiet = false;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = this.#timers.after(this.#intervalMs, () => {
      if (this.#quiet) this.#ping();
      this.#quiet = true;
      this.#schedule();
    });
  }
}
