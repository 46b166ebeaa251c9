import type { Timers } from "@hawser/runtime";

/** How long what the threads of the pool do may take to end by itself: closing files takes no time, so what takes longer hangs. */
const PATIENCE_MS = 1_000;
const POLL_MS = 10;

/** Requests that a thread of the pool serves: look-ups of names, and everything about files. */
const POOL_REQUEST = /^(?:GetAddrInfo|GetNameInfo|FSReq)/;

/**
 * Ends the process with this exit code, within a second whatever its threads do.
 *
 * An orderly exit waits for the threads of libuv's pool, so a name look-up that hangs, or a read of a file system that does not answer, would hold the process for as long as it
 * takes itself.
 */
export function leave(code: number, timers: Timers, patienceMs = PATIENCE_MS): void {
  const isPoolBusy = process.getActiveResourcesInfo().some((name) => POOL_REQUEST.test(name));
  if (!isPoolBusy) process.exit(code);
  if (patienceMs <= 0) leaveAtOnce(code);
  timers.after(POLL_MS, () => leave(code, timers, patienceMs - POLL_MS));
}

/**
 * Ends the process at once and waits for no thread: it is replaced by a shell that ends with the code (Node 22.15 and newer), or ends by its own SIGKILL. What was logged
 * a moment ago may be lost, but for what was written with `LineOutput.writeNow`.
 */
export function leaveAtOnce(code: number): never {
  try {
    if ("execve" in process && typeof process.execve === "function")
      process.execve("/bin/sh", ["/bin/sh", "-c", `exit ${code}`], {});
  } catch {
    // There is no shell, or this Node may not: then by a signal.
  }
  process.kill(process.pid, "SIGKILL");
  process.exit(code);
}
