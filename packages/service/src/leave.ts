import type { Timers } from "@hawser/runtime";

/** Limit for the thread pool: closing files takes no time, so anything longer hangs. */
const PATIENCE_MS = 1_000;
const POLL_MS = 10;

/** Requests of the thread pool: name lookups and files. */
const POOL_REQUEST = /^(?:GetAddrInfo|GetNameInfo|FSReq)/;

/**
 * Ends the process within a second. An orderly exit waits for libuv's threads, so a hanging name
 * lookup or file system would delay it indefinitely.
 */
export function leave(code: number, timers: Timers, patienceMs = PATIENCE_MS): void {
  const isPoolBusy = process.getActiveResourcesInfo().some((name) => POOL_REQUEST.test(name));
  if (!isPoolBusy) process.exit(code);
  if (patienceMs <= 0) leaveAtOnce(code);
  timers.after(POLL_MS, () => leave(code, timers, patienceMs - POLL_MS));
}

/**
 * Ends the process without waiting for threads: a shell replaces it and returns the code (Node
 * 22.15 and newer), or SIGKILL ends it. Recent log lines may be lost, except those of
 * `LineOutput.writeNow`.
 */
export function leaveAtOnce(code: number): never {
  try {
    if ("execve" in process && typeof process.execve === "function")
      process.execve("/bin/sh", ["/bin/sh", "-c", `exit ${code}`], {});
  } catch {
    // No shell, or not permitted: use the signal.
  }
  process.kill(process.pid, "SIGKILL");
  process.exit(code);
}
