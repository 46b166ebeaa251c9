import { CONTROL_TYPE_PREFIX, HawserError } from "@hawser/protocol";

/** What one agent may send a second, on average; in a burst as much as in a second. */
export interface AgentRateLimits {
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly controlsPerSecond: number;
}

/** Above what an agent sends that keeps to its window, and far below what would take a core. */
export const DEFAULT_AGENT_RATES: AgentRateLimits = {
  eventsPerSecond: 10_000,
  bytesPerSecond: 67_108_864,
  controlsPerSecond: 20_000,
};

/** @throws HawserError `invalid_config` naming the rate that is not a positive number */
export function resolveAgentRates(rates: Partial<AgentRateLimits> = {}): AgentRateLimits {
  const resolved = { ...DEFAULT_AGENT_RATES, ...rates };
  for (const [name, rate] of Object.entries(resolved)) {
    if (!(rate > 0)) throw new HawserError("invalid_config", `${name} must be above 0, not ${rate}`);
  }
  return resolved;
}

/**
 * How fast one agent may send, over all its connections. It is asked after a message was handled, so what an agent sent
 * too much is a debt: the answer is how long it is not to be read, and nothing is ever dropped.
 */
export class AgentRates {
  readonly #events: Debt;
  readonly #bytes: Debt;
  readonly #controls: Debt;

  constructor({ eventsPerSecond, bytesPerSecond, controlsPerSecond }: AgentRateLimits, nowMs: number) {
    this.#events = new Debt(eventsPerSecond, nowMs);
    this.#bytes = new Debt(bytesPerSecond, nowMs);
    this.#controls = new Debt(controlsPerSecond, nowMs);
  }

  /** Counts a message; answers in how many milliseconds the agent may be read again, 0 for at once. */
  spend({ type }: { readonly type: string }, bytes: number, nowMs: number): number {
    const messages = type.startsWith(CONTROL_TYPE_PREFIX) ? this.#controls : this.#events;
    return Math.max(messages.spend(1, nowMs), this.#bytes.spend(bytes, nowMs));
  }
}

/** A token bucket that may be overdrawn: what is taken is taken, and has to be made up for. */
class Debt {
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#atMs = nowMs;
  }

  /** In how many milliseconds the debt is paid, 0 when there is none. */
  spend(amount: number, nowMs: number): number {
    const refilled = this.#left + ((nowMs - this.#atMs) / 1_000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond, refilled) - amount;
    this.#atMs = nowMs;
    return this.#left >= 0 ? 0 : (-this.#left / this.#perSecond) * 1_000;
  }
}
