import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { errorCode } from "../files/system-error.js";

/** The variable every process of a task carries, so that it is found again whatever became of its parent. */
export const TASK_INSTANCE_VARIABLE = "HAWSER_TASK_INSTANCE";

/**
 * A name for the process that has this pid now, which another process with the same pid will not have: boot and start time. Undefined when there is none, or it is a zombie.
 *
 * Linux reads field 22 of `/proc/<pid>/stat`. Elsewhere `ps` tells the start time to the second, which is the best there is without native code.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return identityFromPs(pid);
  const stat = await readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the command in parentheses and may hold anything; what follows its last parenthesis is plain.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTicks = fields[19];
  if (startTicks === undefined || state === "Z" || state === "X") return undefined;
  return `${await bootId()} ${startTicks}`;
}

/** Pids of the processes that carry this task instance in their environment. Linux only; elsewhere none is found. */
export async function processesOfInstance(instance: string): Promise<readonly number[]> {
  if (process.platform !== "linux") return [];
  const marker = `${TASK_INSTANCE_VARIABLE}=${instance}`;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    const environment = await readProc(`/proc/${pid}/environ`);
    if (environment?.split("\0").includes(marker) === true) found.push(pid);
  }
  return found;
}

/** Sends a signal to a process, or with a negative number to a group. False when nobody is there, or nobody we may signal. */
export function signal(pid: number, name: "SIGTERM" | "SIGKILL"): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (thrown) {
    // EPERM: it changed its user. On macOS also the answer for a group of which only zombies are left.
    if (errorCode(thrown) === "ESRCH" || errorCode(thrown) === "EPERM") return false;
    throw thrown;
  }
}

// A process that went away meanwhile (ESRCH) or belongs to somebody else (EACCES) is none of ours.
async function readProc(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw thrown;
  }
}

async function bootId(): Promise<string> {
  return (await readProc("/proc/sys/kernel/random/boot_id"))?.trim() ?? "";
}

async function identityFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
    return stdout.trim() === "" ? undefined : stdout.trim();
  } catch {
    // ps exits with 1 when there is no such process.
    return undefined;
  }
}
