import type { Runtime } from "./runtime.js";

/** At least so many a millisecond, however long the turns are: where others take the cores, a turn may be long without being full, and a fleet is not to wait for it. */
const PER_MS = 0.2;
/** And that for no more than a turn of this length. In milliseconds. */
const LONGEST_TURN_MS = 125;

/**
 * What may be taken of one turn of the event loop, counted in steps: a fixed number, or 200 for each second that the turn before took, if that is more.
 */
export class TurnShare {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #perTurn: number;
  readonly #onNextTurn: () => void;
  #room: number;
  #taken = 0;

  /** @param onNextTurn something was taken of the turn before, and this one has room again */
  constructor(runtime: Pick<Runtime, "clock" | "timers">, perTurn: number, onNextTurn: () => void) {
    this.#runtime = runtime;
    this.#perTurn = perTurn;
    this.#room = perTurn;
    this.#onNextTurn = onNextTurn;
  }

  get hasRoom(): boolean {
    return this.#taken < this.#room;
  }

  take(): void {
    if (this.#taken === 0) this.#awaitNextTurn();
    this.#taken += 1;
  }

  #awaitNextTurn(): void {
    const { clock, timers } = this.#runtime;
    const begunAtMs = clock.now();
    timers.soon(() => {
      const tookMs = Math.min(LONGEST_TURN_MS, clock.now() - begunAtMs);
      this.#room = Math.max(this.#perTurn, Math.floor(tookMs * PER_MS));
      this.#taken = 0;
      this.#onNextTurn();
    });
  }
}
