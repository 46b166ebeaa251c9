import type { HawserError } from "@hawser/protocol";
import type { Clock, Logger } from "@hawser/runtime";
import type { RollbackReport } from "../views.js";

/** Agents remembered by name; of more than that, it is clear enough. */
const MAX_NAMES = 100_000;
const LOUD_STEP = 10;

/**
 * Whether agents prove that the store of this principal was rolled back (PROTOCOL.md, Rolled-back stores). All of a fleet would: so it is said with the first
 * agent, and again with ten times as many, not for each.
 *
 * It fences nothing but those sessions: one broken agent that claims to have had what nobody gave it must not take a healthy principal out of service.
 */
export class RollbackWatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #agents = new Set<string>();
  #message = "";
  #since = 0;
  #loudAt = 1;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Undefined while no agent proves it. */
  get report(): RollbackReport | undefined {
    if (this.#agents.size === 0) return undefined;
    return { agents: this.#agents.size, message: this.#message, since: this.#since };
  }

  proven(agent: string, error: HawserError): void {
    if (this.#agents.size === 0) {
      this.#since = this.#clock.wallTime();
      this.#message = error.message;
      this.#loudAt = 1;
    }
    if (this.#agents.size < MAX_NAMES) this.#agents.add(agent);
    if (this.#agents.size < this.#loudAt) return;
    this.#loudAt = this.#agents.size * LOUD_STEP;
    this.#logger.error(
      { code: error.code, agent, agents: this.#agents.size },
      `${this.#message}. It was proven by ${this.#agents.size} of the agents; those that do are refused, until this process is stopped, 'hawser adopt' is run on its data directory, and it is started again`,
    );
  }

  /** A session of this agent opened: its store remembers another life, or none, since it was adopted or lost. */
  welcomed(agent: string): void {
    this.#agents.delete(agent);
  }
}
