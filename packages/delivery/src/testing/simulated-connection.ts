import type { Chance } from "./chance.js";
import type { VirtualTime } from "./virtual-time.js";

/** How long a frame that was under way at a cut may still linger before it surfaces at the receiver. */
const MAX_LATENESS_MS = 5_000;
const LATE_PROBABILITY = 0.4;

/**
 * One connection: both ways in order while it lives. At a cut, frames under way are lost, or (events only) surface later, among or behind those of the
 * connection that follows: reordered, and duplicates of what was sent again.
 */
export class SimulatedConnection {
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  #alive = true;
  #lastArrival = { receiver: 0, sender: 0 };

  constructor(time: VirtualTime, chance: Chance) {
    this.#time = time;
    this.#chance = chance;
  }

  get alive(): boolean {
    return this.#alive;
  }

  cut(): void {
    this.#alive = false;
  }

  toReceiver(deliver: () => void): void {
    this.#send("receiver", deliver, () => {
      if (this.#chance.happens(LATE_PROBABILITY))
        this.#time.after(this.#chance.between(0, MAX_LATENESS_MS), deliver);
    });
  }

  toSender(deliver: () => void): void {
    this.#send("sender", deliver, () => {});
  }

  #send(to: "receiver" | "sender", deliver: () => void, cutMeanwhile: () => void): void {
    if (!this.#alive) return;
    const delayMs = this.#chance.happens(0.05)
      ? this.#chance.between(50, 1_500)
      : this.#chance.between(1, 50);
    const arrivalMs = Math.max(this.#lastArrival[to], this.#time.nowMs + delayMs);
    this.#lastArrival[to] = arrivalMs;
    this.#time.at(arrivalMs, () => (this.#alive ? deliver() : cutMeanwhile()));
  }
}
