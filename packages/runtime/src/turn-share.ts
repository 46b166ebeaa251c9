import type { Runtime } from "./runtime.js";

/** What may be taken of the event loop: steps, or whatever else is counted, such as bytes. */
export interface TurnRate {
  /** In one turn. */
  readonly perTurn: number;
  /**
   * And so many a second, where turns are so long that this is more: others who take the cores make them long without filling them, and a fleet is not to wait for it.
   *
   * @default 200, for steps of some ten microseconds to a millisecond
   */
  readonly perSecond?: number;
}

const DEFAULT_PER_SECOND = 200;
/** No turn counts as longer. In milliseconds. */
const LONGEST_TURN_MS = 125;

/** What may be taken of one turn of the event loop. What is taken last may go beyond it. */
export class TurnShare {
  readonly #runtime: Pick<Runtime, "clock" | "timers">;
  readonly #perTurn: number;
  readonly #perMs: number;
  readonly #onNextTurn: () => void;
  #room: number;
  #taken = 0;

  /** @param onNextTurn something was taken of the turn before, and this one has room again */
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
