import type { Exit } from "./task-process.js";
import type { TaskSpec } from "./task-spec.js";

/** Longest wait between two runs, in milliseconds. */
const MAX_RESTART_DELAY_MS = 60_000;

/** A run of this length ends the row of quick failures: the next wait is the first one again. */
export const STABLE_RUN_MS = 60_000;

export interface Run {
  readonly exit: Exit;
  readonly ranMs: number;
  /** Restarts so far. */
  readonly restarts: number;
  /** Runs in a row that ended before they were stable, this one included. */
  readonly quickRuns: number;
}

/** How long to wait before the next run; undefined when this was the last one. */
export function restartDelayMs(
  { policy, maxRestarts, backoffMs }: TaskSpec["restart"],
  run: Run,
): number | undefined {
  if (policy === "never") return undefined;
  const failed = run.exit.kind !== "code" || run.exit.code !== 0;
  if (policy === "on-failure" && !failed) return undefined;
  if (maxRestarts !== undefined && run.restarts >= maxRestarts) return undefined;
  const exponent = Math.min(30, Math.max(0, run.quickRuns - 1));
  return Math.min(Math.max(MAX_RESTART_DELAY_MS, backoffMs), backoffMs * 2 ** exponent);
}
