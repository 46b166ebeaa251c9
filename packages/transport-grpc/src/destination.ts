import { isIP } from "node:net";
import type { OutboundOptions } from "@hawser/transport";

/** Where a dial goes: a port, or a Unix domain socket of this machine. */
export type Destination = { readonly host: string; readonly port: number } | { readonly path: string };

/** As gRPC names its targets. */
export function targetOf(to: Destination): string {
  return "path" in to ? `unix:${to.path}` : hostPortOf(to.host, to.port);
}

function hostPortOf(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where the socket of a destination goes. */
export function socketOf(to: Destination): OutboundOptions["to"] {
  return "path" in to ? { unixPath: to.path } : to;
}
