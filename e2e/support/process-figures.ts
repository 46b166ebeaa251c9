import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** What a process took and was not given, so far. */
export interface ProcessTimes {
  /** User and system time of all its threads; a tick of Linux is 10 ms. NaN once it has ended. */
  readonly cpuMs: number;
  /** Its main thread on a core. */
  readonly mainMs: number;
  /** Its main thread able to run, with no core for it: that is the machine, and nothing the process does changes it. */
  readonly waitedMs: number;
}

/** Of a process, from /proc. */
export async function timesOf(pid: number): Promise<ProcessTimes> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return { cpuMs: 10 * (Number(user) + Number(system)), ...mainThreadOf(pid) };
}

/** At once, for what is asked many times a second. */
export function mainThreadOf(pid: number): Pick<ProcessTimes, "mainMs" | "waitedMs"> {
  return scheduleAt(`/proc/${pid}/task/${pid}/schedstat`);
}

/** The thread that asks. */
export function ownThread(): Pick<ProcessTimes, "mainMs" | "waitedMs"> {
  return scheduleAt("/proc/thread-self/schedstat");
}

function scheduleAt(path: string): Pick<ProcessTimes, "mainMs" | "waitedMs"> {
  const [ran, waited] = readFileSync(path, "utf8").split(" ");
  return { mainMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 };
}

/** Of a process, from /proc. */
export async function rssMbOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
}
