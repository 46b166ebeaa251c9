import type { Runtime } from "./runtime.js";

/** A share of the event loop, in steps or another unit such as bytes. */
export interface TurnRate {
  readonly perTurn: number;
  /**
   * A minimum per second, for long turns: other processes on the cores lengthen turns without
   * filling them, and a fleet must not wait for that.
   * @default 200, for steps of ten microseconds to a millisecond
   */
  readonly perSecond?: number;
}

const DEFAULT_PER_SECOND = 200;
/** Longest turn that counts, in milliseconds. */
const LONGEST_TURN_MS = 125;

/** The share of one turn. The last step of a turn may exceed it. */
export class TurnShare {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #perTurn: number;
  readonly #perMs: number;
  readonly #onNextTurn: () => void;
  #room: number;
  #taken = 0;

  /** @param onNextTurn called when a used turn is over and there is room again */
  constructor(
    runtime: Pick<Runtime, "clock" | "timers">,
    { perTurn, perSecond = DEFAULT_PER_SECOND }: TurnRate,
    onNextTurn: () => void,
  ) {
    this.#runtime = runtime;
    this.#perTurn = perTurn;
    this.#perMs = perSecond / 1_000;
    this.#room = perTurn;
    this.#onNextTurn = onNextTurn;
  }

  get hasRoom(): boolean {
    return this.#taken < this.#room;
  }

  take(amount = 1): void {
    if (this.#taken === 0) this.#awaitNextTurn();
    this.#taken += amount;
  }

  #awaitNextTurn(): void {
    const { clock, timers } = this.#runtime;
    const begunAtMs = clock.now();
    timers.soon(() => {
      const tookMs = Math.min(LONGEST_TURN_MS, clock.now() - begunAtMs);
      this.#room = Math.max(this.#perTurn, Math.floor(tookMs * this.#perMs));
      this.#taken = 0;
      this.#onNextTurn();
    });
  }
}
