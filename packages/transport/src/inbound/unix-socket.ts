import { HawserError } from "@hawser/protocol";
import { chmodSync, chownSync } from "node:fs";
import type { Server } from "node:net";
import { bindUnixError, removeStaleSocket } from "./stale-socket.js";

/** Who may use a Unix socket: the owner, or the group as well. */
export const UNIX_SOCKET_MODES: readonly number[] = [0o600, 0o660];
/** The owner alone, because a socket without credentials must not be open to others by accident. */
export const DEFAULT_UNIX_SOCKET_MODE = 0o600;

/** A Unix domain socket to bind. */
export interface UnixSocketPlace {
  /** Name of the setting that holds the path, for error messages. */
  readonly option: string;
  readonly path: string;
  /** Permission bits of the file, of `UNIX_SOCKET_MODES`. */
  readonly mode: number;
  /** Group id of the file. @default that of the process or the directory, as the system decides */
  readonly gid?: number | undefined;
}

/**
 * Binds a server to a Unix socket. It replaces the file of a dead process and leaves that of a
 * living one alone. Nobody is accepted under another mode or group. Closing the server removes the
 * file.
 *
 * @throws HawserError `port_in_use` for the socket of a living process; `address_unavailable` for a
 *   file that is no socket, and where the system refuses; `aborted` when the server was closed
 *   meanwhile
 */
export async function bindUnixSocket(server: Server, place: UnixSocketPlace): Promise<void> {
  const { option, path } = place;
  await removeStaleSocket(option, path);
  await new Promise<void>((resolve, reject) => {
    const onError = (cause: unknown): void => reject(bindUnixError(option, path, cause));
    const onClose = (): void =>
      reject(new HawserError("aborted", `unix:${path} was closed while it was being bound`));
    server.once("error", onError);
    server.once("close", onClose);
    server.listen({ path }, () => {
      server.off("error", onError);
      server.off("close", onClose);
      resolve();
    });
    // In the same turn as the bind, so that nobody is accepted under the mode of the umask.
    if (server.listening) protect(server, place, onError);
  });
}

function protect(
  server: Server,
  { path, mode, gid }: UnixSocketPlace,
  failed: (cause: unknown) => void,
): void {
  try {
    if (gid !== undefined) chownSync(path, process.geteuid?.() ?? -1, gid);
    chmodSync(path, mode);
  } catch (cause) {
    failed(cause);
    server.close();
  }
}
