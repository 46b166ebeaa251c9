import type { Runtime, Timer } from "@hawser/runtime";

/** Pings a connection once it has sent nothing for an interval, so that what watches idle connections in between lets it be. */
export class KeepAlive {
  readonly #intervalMs: number;
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #ping: () => void;
  #timer: Timer | undefined;
  #sentAtMs: number;

  /** @param intervalMs 0 for never */
  constructor(intervalMs: number, runtime: Pick<Runtime, "clock" | "timers">, ping: () => void) {
    this.#intervalMs = intervalMs;
    this.#runtime = runtime;
    this.#ping = ping;
    this.#sentAtMs = runtime.clock.now();
    if (intervalMs > 0) this.#schedule(intervalMs);
  }

  /** Something was sent: the interval begins anew. */
  alive(): void {
    this.#sentAtMs = this.#runtime.clock.now();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  // The timer is not set anew for everything that is sent: it goes off at most once an interval, and then looks how long ago that was.
  #schedule(delayMs: number): void {
    this.#timer = this.#runtime.timers.after(delayMs, () => {
      const now = this.#runtime.clock.now();
      if (now - this.#sentAtMs >= this.#intervalMs) {
        this.#ping();
        this.#sentAtMs = now;
      }
      this.#schedule(this.#sentAtMs + this.#intervalMs - now);
    });
  }
}
