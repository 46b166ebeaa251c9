import type { ClientCertificate, Upgrade } from "@hawser/transport";
import { isIP, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { formatAddress } from "./endpoint.js";
import { readClientCertificate } from "./client-certificate.js";
import type { Entry } from "./pending-socket.js";

export function upgradeEntry(upgrade: Upgrade): Entry {
  return { kind: "upgrade", socket: upgrade.socket, upgrade, certificate: certificateOf(upgrade) };
}

/**
 * A unique name for the other end; undefined when it has gone already.
 *
 * @param number of this socket among all upgrades: the other ends of Unix sockets have no names
 */
export function upgradePeer(
  { socket }: Upgrade,
  client: string | undefined,
  number: number,
): string | undefined {
  if (socket.destroyed) return undefined;
  const { remoteAddress, remotePort } = socket instanceof Socket ? socket : {};
  const host = client !== undefined && isIP(client) !== 0 ? client : remoteAddress;
  return host === undefined ? `upgrade#${number}` : formatAddress(host, remotePort ?? number);
}

/** The client's certificate, where the server asked for one and verified it. */
function certificateOf({ socket }: Upgrade): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  const own = socket.getX509Certificate();
  return certificate && own && readClientCertificate(certificate, own);
}
