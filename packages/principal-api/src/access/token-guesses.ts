import type { Clock } from "@hawser/runtime";

/** Wrong tokens an address may show at once, and how many more a second: enough for a person, and for a client whose token was replaced. */
const BURST = 20;
const PER_SECOND = 1;
/** Addresses that are remembered; beyond, the one that guessed least recently is forgotten. */
const MAX_ADDRESSES = 10_000;

interface Budget {
  readonly left: number;
  readonly atMs: number;
}

/**
 * Slows those who guess: an address that has shown too many wrong tokens is told to come back, whatever wrong one it shows. The right one is never counted, because a whole fleet may share an address
 * behind a proxy and one guesser in it would shut out all others. A guesser who hits would be let in at once, but tokens are long enough that nobody does.
 */
export class TokenGuesses {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A wrong token came from this address. Answers how many milliseconds it has to wait until the next one is looked at; 0: this one was. */
  wrong(address: string): number {
    const { left, atMs } = this.#budgetOf(address);
    if (left < 1) return Math.ceil(((1 - left) * 1_000) / PER_SECOND);
    this.#budgets.delete(address);
    this.#budgets.set(address, { left: left - 1, atMs });
    dropOldest(this.#budgets);
    return 0;
  }

  #budgetOf(address: string): Budget {
    const nowMs = this.#clock.now();
    const known = this.#budgets.get(address);
    if (known === undefined) return { left: BURST, atMs: nowMs };
    const gained = ((nowMs - known.atMs) * PER_SECOND) / 1_000;
    return { left: Math.min(BURST, known.left + gained), atMs: nowMs };
  }
}

function dropOldest(kept: Map<string, unknown>): void {
  if (kept.size <= MAX_ADDRESSES) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}
