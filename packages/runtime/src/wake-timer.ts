import type { Runtime } from "./runtime.js";
import type { Timer } from "./timers.js";

/**
 * One timer for the earliest thing due.
 *
 * One that fires early costs a look; setting a new one for every event would cost more. So it is replaced only by an earlier one.
 */
export class WakeTimer {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #onWake: () => void;
  #set: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(runtime: Pick<Runtime, "clock" | "timers">, onWake: () => void) {
    this.#runtime = runtime;
    this.#onWake = onWake;
  }

  /** Wakes at the earliest of these monotonic times, or before; undefined ones do not count. */
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
