import type { SkipReason } from "@hawser/link";
import { isErrorCode } from "@hawser/protocol";

/** What is counted of one agent, as plain numbers: they are raised on the hot path and turned into metrics only when somebody asks. */
export class AgentCounts {
  accepted = 0;
  sent = 0;
  resent = 0;
  acked = 0;
  nackedRetryable = 0;
  nackedForGood = 0;
  applied = 0;
  readonly skipped: Record<SkipReason, number> = { duplicate: 0, stale: 0, discarded: 0 };
  refusedRetryable = 0;
  refusedForGood = 0;
  readonly rejected = new CodeCounts();
  readonly deadLetters = new CodeCounts();
  purged = 0;
}

/** Counts by error code. The codes are a closed set, so these are bounded; whatever is none of them counts as `other`. */
class CodeCounts {
  readonly #counts = new Map<string, number>();

  add(code: string): void {
    const label = isErrorCode(code) ? code : OTHER;
    this.#counts.set(label, (this.#counts.get(label) ?? 0) + 1);
  }

  entries(): Iterable<[string, number]> {
    return this.#counts.entries();
  }
}

/** The label of agents beyond the bound. An agent that is really called that is counted with them. */
export const OTHER = "other";

/**
 * The counts of at most `maxAgents` agents. A monitoring system pays for every series for as long as it keeps data, so beyond the bound
 * agents share the series `other`, and an agent that is gone leaves none behind.
 */
export class AgentSeries {
  readonly #maxAgents: number;
  readonly #counts = new Map<string, AgentCounts>();
  readonly #other = new AgentCounts();
  #otherUsed = false;

  /** @param maxAgents 0 counts all agents together under `other` */
  constructor(maxAgents: number) {
    this.#maxAgents = maxAgents;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Nothing was counted yet. */
  get isEmpty(): boolean {
    return this.#counts.size === 0 && !this.#otherUsed;
  }

  has(agent: string): boolean {
    return this.#counts.has(agent);
  }

  /** The counts of an agent that is known to exist. */
  of(agent: string): AgentCounts {
    const counts = this.#counts.get(agent);
    if (counts !== undefined) return counts;
    if (this.#counts.size >= this.#maxAgents || agent === OTHER) return this.#shared();
    const created = new AgentCounts();
    this.#counts.set(agent, created);
    return created;
  }

  /** The counts for a name anybody may have made up: it gets no series of its own. */
  ofStranger(agent: string): AgentCounts {
    return this.#counts.get(agent) ?? this.#shared();
  }

  remove(agent: string): void {
    this.#counts.delete(agent);
  }

  *entries(): Iterable<[string, AgentCounts]> {
    yield* this.#counts;
    if (this.#otherUsed) yield [OTHER, this.#other];
  }

  #shared(): AgentCounts {
    this.#otherUsed = true;
    return this.#other;
  }
}
