import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { endianness } from "node:os";

/** State of a listening socket (proc_net(5), TCP_LISTEN). */
const LISTEN = "0A";
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"] as const;

/**
 * Users with sockets that listen on a port of these addresses (127.0.0.0/8, `::1`, wildcards), from
 * Linux. Undefined elsewhere.
 * @param read the text of a table; throws if there is none
 */
export function listeningUsers(
  hosts: readonly string[],
  port: number,
  read: (path: string) => string = (path) => readFileSync(path, "latin1"),
): readonly number[] | undefined {
  const wanted = new Set(hosts.flatMap(hexOf));
  const tables = TABLES.flatMap((path) => {
    try {
      return [read(path)];
    } catch {
      return [];
    }
  });
  if (tables.length === 0) return undefined;
  return tables
    .flatMap(listeningSockets)
    .filter((socket) => socket.port === port && wanted.has(socket.address))
    .map(({ uid }) => uid);
}

interface ListeningSocket {
  /** Hexadecimal, in network order. */
  readonly address: string;
  readonly port: number;
  readonly uid: number;
}

function listeningSockets(table: string): readonly ListeningSocket[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , uid] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state !== LISTEN) return [];
    return [{ address: inNetworkOrder(address), port: Number.parseInt(port, 16), uid: Number(uid) }];
  });
}

/** The kernel writes words of four bytes in the machine's order. */
function inNetworkOrder(address: string): string {
  const bytes = Buffer.from(address, "hex");
  return (endianness() === "LE" ? bytes.swap32() : bytes).toString("hex");
}

/** An IPv6 socket may also bind an IPv4 address. */
function hexOf(host: string): readonly string[] {
  if (isIPv4(host)) {
    const hex = Buffer.from(host.split(".").map(Number)).toString("hex");
    return [hex, `ffff${hex}`.padStart(32, "0")];
  }
  if (host === "::1" || host === "::") return [(host === "::1" ? "1" : "").padStart(32, "0")];
  return [];
}
