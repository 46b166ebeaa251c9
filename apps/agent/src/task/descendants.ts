import type { Runtime } from "@hawser/runtime";
import { processesOfInstance, processIdentity, signal } from "./process-table.js";

/** Whose processes are meant. */
export interface TaskInstance {
  /** The mark that all of them carry. */
  readonly instance: string;
  /** The first of them, and its start time, as far as they were written down. */
  readonly pid?: number | undefined;
  readonly identity?: string | undefined;
}

/** Between two looks whether a signalled process is gone, in milliseconds: it is not our child, so nobody tells us. */
const POLL_MS = 50;

/** How long to go on after SIGKILL before giving up: only a process stuck in the kernel, or forking faster than it dies, lives that long. */
const KILL_PATIENCE_MS = 10_000;

/**
 * Ends every process of a task instance, those that left its process group and its session too: SIGTERM, and SIGKILL after the grace; SIGKILL at once without one. Resolves when
 * nothing of it is left.
 *
 * A process is taken for the task's only when its start time fits or it carries the task's mark, so a reused pid is safe.
 *
 * @returns how many processes there were
 * @throws Error when something survives SIGKILL
 */
export async function endInstance(
  target: TaskInstance,
  graceMs: number,
  { timers, clock }: Runtime,
): Promise<number> {
  const begunAt = clock.now();
  const found = await signalInstance(target, graceMs > 0 ? "SIGTERM" : "SIGKILL");
  for (let left = found; left > 0; ) {
    await new Promise<void>((resolve) => timers.after(POLL_MS, resolve));
    const waitedMs = clock.now() - begunAt;
    if (waitedMs > graceMs + KILL_PATIENCE_MS) {
      throw new Error(`${left} processes of task instance ${target.instance} survive SIGKILL`);
    }
    left = waitedMs < graceMs ? (await members(target)).length : await signalInstance(target, "SIGKILL");
  }
  return found;
}

/** Signals every process of the instance once, and says how many there are. */
export async function signalInstance(target: TaskInstance, name: "SIGTERM" | "SIGKILL"): Promise<number> {
  const pids = await members(target);
  // The group too: a descendant may have changed its environment.
  if (target.pid !== undefined && pids.includes(target.pid)) signal(-target.pid, name);
  for (const pid of pids) signal(pid, name);
  return pids.length;
}

async function members({ pid, identity, instance }: TaskInstance): Promise<readonly number[]> {
  const pids = new Set(await processesOfInstance(instance));
  if (pid !== undefined && identity !== undefined && (await processIdentity(pid)) === identity) pids.add(pid);
  return [...pids];
}
