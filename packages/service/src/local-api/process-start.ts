import { readFileSync } from "node:fs";

/** What comes before the start time in `/proc/<pid>/stat`, behind the name of the program (proc_pid_stat(5), fields 3 to 22). */
const FIELDS_BEFORE_START = 19;

/** When a process began, in ticks since the machine did: with its id it names a process for good. Undefined where the system does not tell. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name is in parentheses, and may have any of its own.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[FIELDS_BEFORE_START];
  } catch {
    return undefined;
  }
}

/** Whether this very process lives, and not another one that was given its id. That of another user counts as none. */
export function isAlive(pid: number, start: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return start === undefined || start === processStart(pid);
}
