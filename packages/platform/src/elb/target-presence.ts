import type { Candidate } from "./own-target.js";

/** One row of a target group's health. */
export interface TargetHealth {
  readonly id: string | undefined;
  readonly port: number | undefined;
  readonly state: string | undefined;
  readonly reason: string | undefined;
}

/** Misses in a row that count as a departure: one answer may come from a stale replica. */
const ABSENCES_TO_LEAVE = 2;

/**
 * The own target according to the polls of one group. `draining` counts only after another state: a
 * new task may reuse the address of a registration that is still draining.
 */
export class TargetPresence {
  #registered = false;
  #absent = 0;

  saw(
    rows: readonly TargetHealth[],
    candidates: readonly Candidate[],
  ): "waiting" | "registered" | "draining" | "left" {
    const own = rows.filter(
      (row) => row.reason !== "Target.NotRegistered" && candidates.some((each) => isSame(each, row)),
    );
    if (own.some((row) => row.state !== "draining")) {
      this.#registered = true;
      this.#absent = 0;
      return "registered";
    }
    if (!this.#registered) return "waiting";
    if (own.length > 0) return "draining";
    this.#absent += 1;
    return this.#absent >= ABSENCES_TO_LEAVE ? "left" : "registered";
  }
}

function isSame(candidate: Candidate, row: TargetHealth): boolean {
  return candidate.id === row.id && (candidate.port === undefined || candidate.port === row.port);
}
