import { HawserError } from "@hawser/protocol";
import { chmodSync, chownSync } from "node:fs";
import type { Server } from "node:net";
import { bindUnixError, removeStaleSocket } from "./stale-socket.js";

/** Who may use a Unix socket: the owner, or the group as well. */
export const UNIX_SOCKET_MODES: readonly number[] = [0o600, 0o660];
/** The owner alone, because a socket without credentials must not be open to others by accident. */
export const DEFAULT_UNIX_SOCKET_MODE = 0o600;

/** A Unix domain socket that is to be bound. */
export interface UnixSocketPlace {
  /** Name of the setting that holds the path, for error messages. */
  readonly option: string;
  readonly path: string;
  /** Permission bits of the file, of `UNIX_SOCKET_MODES`. */
  readonly mode: number;
  /** The group that the file is given, by number. @default that of the process, or of the directory, as the system does it */
  readonly gid?: number | undefined;
}

/**
 * Binds a server to a Unix socket. A file that a dead process left there is replaced; a living one's is left alone. Nobody is accepted under another mode or group than these. Closing the
 * server removes the file.
 *
 * @throws HawserError `port_in_use` for the socket of a living process; `address_unavailable` for a file that is no socket, and where the system refuses; `aborted` when the server was closed meanwhile
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
    // In the same turn as the bind, so that nobody can have been accepted under the mode the umask left.
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
