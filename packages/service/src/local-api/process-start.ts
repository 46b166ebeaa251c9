import { readFileSync } from "node:fs";

/** Fields before the start time in `/proc/<pid>/stat`, behind the name (proc_pid_stat(5)). */
const FIELDS_BEFORE_START = 19;

/** Start of a process in ticks since boot: with its id it is unique. Undefined outside Linux. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name is in parentheses and may contain any.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[FIELDS_BEFORE_START];
  } catch {
    return undefined;
  }
}

/** True while this process lives: its id may be reused. Another user's process counts as dead. */
export function isAlive(pid: number, start: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return start === undefined || start === processStart(pid);
}
