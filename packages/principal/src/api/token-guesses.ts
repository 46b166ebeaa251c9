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
 * Slows those who guess. An address that has shown too many wrong tokens is not listened to for a while, whatever it shows, so that nothing is learnt from asking on; but a
 * token that was right from there before stays right, so that nobody is shut out by whoever shares an address with them.
 */
export class TokenGuesses {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();
  readonly #proven = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until the address is listened to again; 0: it is. */
  waitMs(address: string): number {
    const { left } = this.#budgetOf(address);
    return left >= 1 ? 0 : Math.ceil(((1 - left) * 1_000) / PER_SECOND);
  }

  wrong(address: string): void {
    const { left, atMs } = this.#budgetOf(address);
    this.#budgets.delete(address);
    this.#budgets.set(address, { left: Math.max(0, left - 1), atMs });
    dropOldest(this.#budgets);
  }

  right(caller: string, address: string): void {
    const key = `${caller} ${address}`;
    this.#proven.delete(key);
    this.#proven.add(key);
    dropOldest(this.#proven);
  }

  isProven(caller: string, address: string): boolean {
    return this.#proven.has(`${caller} ${address}`);
  }

  #budgetOf(address: string): Budget {
    const nowMs = this.#clock.now();
    const known = this.#budgets.get(address);
    if (known === undefined) return { left: BURST, atMs: nowMs };
    const gained = ((nowMs - known.atMs) * PER_SECOND) / 1_000;
    return { left: Math.min(BURST, known.left + gained), atMs: nowMs };
  }
}

function dropOldest(kept: Map<string, unknown> | Set<string>): void {
  if (kept.size <= MAX_ADDRESSES) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}
