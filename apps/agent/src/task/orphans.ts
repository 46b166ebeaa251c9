import type { Runtime } from "@hawser/runtime";
import { processesOfInstance, processIdentity, signal } from "./process-table.js";
import type { TaskRecord } from "./task-record.js";

type Running = Extract<TaskRecord["state"], { kind: "running" }>;

/** Between two looks whether a signalled process is gone, in milliseconds: it is not our child, so nobody tells us. */
const POLL_MS = 50;

/** How long to go on after SIGKILL before giving up: only a process stuck in the kernel, or forking faster than it dies, lives that long. */
const KILL_PATIENCE_MS = 10_000;

/**
 * Ends what an earlier agent left running: SIGTERM to the process and its group, SIGKILL after the grace of its spec. Resolves when nothing of it is left.
 *
 * A process is taken for the task's only when its start time fits or it carries the task's mark, so a reused pid is safe.
 *
 * @returns how many processes there were
 * @throws Error when something survives SIGKILL
 */
export async function endOrphan(state: Running, { timers, clock }: Runtime): Promise<number> {
  const begunAt = clock.now();
  const found = await signalAll(state, "SIGTERM");
  for (let left = found; left > 0; ) {
    await new Promise<void>((resolve) => timers.after(POLL_MS, resolve));
    const waitedMs = clock.now() - begunAt;
    if (waitedMs > state.stopGraceMs + KILL_PATIENCE_MS) {
      throw new Error(`${left} processes of task instance ${state.instance} survive SIGKILL`);
    }
    left = waitedMs < state.stopGraceMs ? (await members(state)).length : await signalAll(state, "SIGKILL");
  }
  return found;
}

async function signalAll(state: Running, name: "SIGTERM" | "SIGKILL"): Promise<number> {
  const pids = await members(state);
  // The group too: a descendant may have changed its environment.
  if (state.pid !== undefined && pids.includes(state.pid)) signal(-state.pid, name);
  for (const pid of pids) signal(pid, name);
  return pids.length;
}

async function members({ pid, identity, instance }: Running): Promise<readonly number[]> {
  const pids = new Set(await processesOfInstance(instance));
  if (pid !== undefined && identity !== undefined && (await processIdentity(pid)) === identity) pids.add(pid);
  return [...pids];
}
