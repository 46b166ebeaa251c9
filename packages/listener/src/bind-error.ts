import { HawserError } from "@hawser/protocol";

/** `host:port`, with an IPv6 address in brackets (RFC 3986, section 3.2.2). */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Why a port could not be bound, with what to do about it.
 *
 * @param option name of the setting that holds the address, e.g. `listen`
 */
export function bindError(option: string, host: string, port: number, cause: unknown): HawserError {
  const address = formatAddress(host, port);
  const reason = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (reason) {
    case "EADDRINUSE":
      return new HawserError(
        "port_in_use",
        `${address} is in use by another process; stop it, or set ${option}.port to a free port (0 lets the system choose)`,
        { cause },
      );
    case "EACCES":
      return new HawserError(
        "address_unavailable",
        `this user may not bind ${address}; set ${option}.port to 1024 or above`,
        { cause },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAFNOSUPPORT":
      return new HawserError(
        "address_unavailable",
        `${address} is not an address of this machine; set ${option}.host to one of its own, or to "0.0.0.0" or "::"`,
        { cause },
      );
    default:
      return new HawserError("address_unavailable", `cannot bind ${address}: ${String(cause)}`, { cause });
  }
}
