/**
 * Ends the process with this exit code, whatever its threads do.
 *
 * An orderly exit waits for the threads of libuv's pool, so a name look-up that hangs, or a read of a file system that does not answer, holds the process for as long
 * as it takes itself. Where one of them is under way the process is replaced by a shell that ends with the code (Node 22.15 and newer), or ends by its own SIGKILL.
 */
export function leave(
  code: number,
  threads: "may hang" | "by what is under way" = "by what is under way",
): never {
  if (threads === "may hang" || isPoolBusy()) leaveAtOnce(code);
  process.exit(code);
}

/** Requests that a thread of the pool serves: look-ups of names, and everything about files. */
const POOL_REQUEST = /^(?:GetAddrInfo|GetNameInfo|FSReq)/;

function isPoolBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => POOL_REQUEST.test(name));
}

function leaveAtOnce(code: number): void {
  try {
    // The output of this process is written: the log and standard error are synchronous.
    if ("execve" in process && typeof process.execve === "function")
      process.execve("/bin/sh", ["/bin/sh", "-c", `exit ${code}`], {});
  } catch {
    // There is no shell, or this Node may not: then by a signal.
  }
  process.kill(process.pid, "SIGKILL");
}
