import type { Runtime } from "./runtime.js";
import type { Timer } from "./timers.js";

/**
 * One timer for the earliest deadline. Only an earlier deadline replaces it: an early wake-up costs
 * less than a new timer per event.
 */
export class WakeTimer {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #onWake: () => void;
  #set: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(runtime: Pick<Runtime, "clock" | "timers">, onWake: () => void) {
    this.#runtime = runtime;
    this.#onWake = onWake;
  }

  /** Wakes no later than the earliest of these monotonic times; undefined ones do not count. */
  arm(...times: readonly (number | undefined)[]): void {
    const at = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
    if (at === Number.POSITIVE_INFINITY || (this.#set !== undefined && this.#set.at <= at)) return;
    this.cancel();
    const timer = this.#runtime.timers.after(Math.max(0, at - this.#runtime.clock.now()), () => {
      this.#set = undefined;
      this.#onWake();
    });
    this.#set = { at, timer };
  }

  cancel(): void {
    this.#set?.timer.cancel();
    this.#set = undefined;
  }
}
