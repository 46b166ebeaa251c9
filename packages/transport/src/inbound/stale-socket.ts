import { HawserError } from "@hawser/protocol";
import { existsSync, lstatSync, unlinkSync, type Stats } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

/**
 * Removes the socket that a dead process left at this path, and nothing else.
 *
 * @param option name of the setting that holds the path, for error messages
 * @throws HawserError `port_in_use` for the socket of a living process, `address_unavailable` for a
 *   file that is no socket
 */
export async function removeStaleSocket(option: string, path: string): Promise<void> {
  const found = fileAt(path);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new HawserError(
      "address_unavailable",
      `${path} is there and is no socket, so it is left alone; set ${option} to another file`,
    );
  }
  const failure = await probe(path);
  if (failure === undefined) throw inUse(option, path);
  if (failure !== "ECONNREFUSED")
    throw bindUnixError(option, path, Object.assign(new Error(failure), { code: failure }));
  // Another process may have replaced the file meanwhile.
  if (fileAt(path)?.ino === found.ino) unlinkSync(path);
}

/** Says why a Unix socket could not be bound, and what to do about it. */
export function bindUnixError(option: string, path: string, cause: unknown): HawserError {
  const code = codeOf(cause);
  if (code === "EADDRINUSE") return inUse(option, path, cause);
  // Node reports EACCES for a missing directory, as Windows does.
  if (!existsSync(dirname(path))) {
    return new HawserError(
      "address_unavailable",
      `the directory of ${path} is not there; make it, or set ${option} to a file in another one`,
      { cause },
    );
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new HawserError(
      "address_unavailable",
      `this user may not make or use ${path}; set ${option} to a file in a directory of its own`,
      { cause },
    );
  }
  return new HawserError("address_unavailable", `cannot bind unix:${path}: ${String(cause)}`, { cause });
}

function inUse(option: string, path: string, cause?: unknown): HawserError {
  return new HawserError(
    "port_in_use",
    `unix:${path} is in use by another process; stop it, or set ${option} to another file`,
    cause === undefined ? {} : { cause },
  );
}

function fileAt(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Connects to the socket. Undefined when a process answers, else the code of the failure. */
function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once("error", (error) => resolve(codeOf(error) ?? error.message));
  });
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}
