import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The core of the principal, and that of the agents. */
export const PRINCIPAL_CORE = 0;
export const AGENTS_CORE = 1;

const AVAILABLE = canPin();

function canPin(): boolean {
  if (availableParallelism() < 2) return false;
  const both = [PRINCIPAL_CORE, AGENTS_CORE];
  return both.every((core) => spawnSync("taskset", ["-c", String(core), "true"]).status === 0);
}

/** How to start Node.js wherever the system puts it. */
export const UNPINNED = { execPath: process.execPath, prefix: [] } as const;

/** How to start Node.js so that it stays on one core; as it is where the system offers no `taskset`. */
export function pinnedTo(core: number): { readonly execPath: string; readonly prefix: readonly string[] } {
  if (!AVAILABLE) return UNPINNED;
  return { execPath: "taskset", prefix: ["-c", String(core), process.execPath] };
}

export function describePinning(): string {
  return AVAILABLE
    ? `principal pinned to core ${PRINCIPAL_CORE}, agents to core ${AGENTS_CORE} (taskset)`
    : "processes are NOT pinned to cores (no taskset, or a single core)";
}
