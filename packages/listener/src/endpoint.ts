import { HawserError } from "@hawser/protocol";
import { unixPathProblem } from "@hawser/runtime";
import { bindUnixSocket, DEFAULT_UNIX_SOCKET_MODE, UNIX_SOCKET_MODES } from "@hawser/transport";
import type { Server, Socket } from "node:net";
import type { BoundAddress, UnixAddress, UnixListenerOptions } from "./listener-options.js";

/** The place of a listener. Closing the server leaves the place. */
export interface Endpoint<Address> {
  /**
   * @throws HawserError `port_in_use`, `address_unavailable`, or `aborted` when the server was
   *   closed meanwhile
   */
  bind(server: Server): Promise<Address>;
  /** A name for the other end, unique at this endpoint; undefined when the peer has gone. */
  peerOf(socket: Socket): string | undefined;
}

/** For a listener that accepts nothing itself: its sockets come from other servers. */
export const NO_ENDPOINT: Endpoint<undefined> = {
  bind: () => Promise.resolve(undefined),
  peerOf: () => undefined,
};

/** `host:port`, with an IPv6 address in brackets (RFC 3986, section 3.2.2). */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * A port or a Unix socket of this machine, for a server of any kind.
 *
 * @param option name of the setting, for error messages
 * @throws HawserError `invalid_config` naming the option
 */
export function resolveEndpoint(option: string, place: BoundAddress): Endpoint<BoundAddress>;
export function resolveEndpoint(option: string, place: UnixListenerOptions): Endpoint<UnixAddress>;
export function resolveEndpoint(
  option: string,
  place: BoundAddress | UnixListenerOptions,
): Endpoint<BoundAddress | UnixAddress>;
export function resolveEndpoint(
  option: string,
  place: BoundAddress | UnixListenerOptions,
): Endpoint<BoundAddress> | Endpoint<UnixAddress> {
  return "path" in place ? unixEndpoint(option, place) : tcpEndpoint(option, place);
}

function tcpEndpoint(option: string, address: BoundAddress): Endpoint<BoundAddress> {
  const { host, port } = address;
  if (host === "")
    throw new HawserError(
      "invalid_config",
      `${option}.host must not be empty; "0.0.0.0" or "::" means every address`,
    );
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new HawserError(
      "invalid_config",
      `${option}.port must be 0 to 65535, where 0 lets the system choose, not ${port}`,
    );
  return {
    bind: (server) => bindPort(server, option, address),
    peerOf({ remoteAddress, remotePort }) {
      if (remoteAddress === undefined || remotePort === undefined) return undefined;
      return formatAddress(remoteAddress, remotePort);
    },
  };
}

function unixEndpoint(
  option: string,
  { path, mode = DEFAULT_UNIX_SOCKET_MODE }: UnixListenerOptions,
): Endpoint<UnixAddress> {
  const problem = unixPathProblem(path);
  if (problem !== undefined) throw new HawserError("invalid_config", `${option}.path ${problem}`);
  if (!UNIX_SOCKET_MODES.includes(mode))
    throw new HawserError("invalid_config", `${option}.mode must be 0600 or 0660, not 0${mode.toString(8)}`);
  let peers = 0;
  return {
    async bind(server) {
      await bindUnixSocket(server, { option: `${option}.path`, path, mode });
      return { path };
    },
    // The other ends of a Unix socket have no names of their own.
    peerOf: () => `unix:${path}#${(peers += 1)}`,
  };
}

function bindPort(server: Server, option: string, { host, port }: BoundAddress): Promise<BoundAddress> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => reject(bindError(option, host, port, cause));
    const onClose = (): void => reject(new HawserError("aborted", `${option} was stopped while it started`));
    server.once("error", onError);
    server.once("close", onClose);
    server.listen({ host, port }, () => {
      server.off("error", onError);
      server.off("close", onClose);
      const bound = server.address();
      resolve({ host, port: typeof bound === "object" && bound !== null ? bound.port : port });
    });
  });
}

/** Says why a port could not be bound, and what to do about it. */
function bindError(option: string, host: string, port: number, cause: unknown): HawserError {
  const address = formatAddress(host, port);
  const unavailable = (message: string): HawserError =>
    new HawserError("address_unavailable", message, { cause });
  switch (cause instanceof Error && "code" in cause ? cause.code : undefined) {
    case "EADDRINUSE":
      return new HawserError(
        "port_in_use",
        `${address} is in use by another process; stop it, or set ${option}.port to a free port (0 lets the system choose)`,
        { cause },
      );
    case "EACCES":
      return unavailable(`this user may not bind ${address}; set ${option}.port to 1024 or above`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAFNOSUPPORT":
      return unavailable(
        `${address} is not an address of this machine; set ${option}.host to one of its own, or to "0.0.0.0" or "::"`,
      );
    default:
      return unavailable(`cannot bind ${address}: ${String(cause)}`);
  }
}
