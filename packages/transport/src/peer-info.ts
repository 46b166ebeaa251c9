import type { SocketInfo } from "./acceptor.js";
import type { PeerInfo } from "./connection.js";

/** What an acceptor knows of the peer: what its listener said of the socket, and the `authorization` of the request. */
export function peerInfoOf(
  { address, certificate, internal }: SocketInfo,
  authorization: string | undefined,
): PeerInfo {
  return {
    address,
    ...(authorization === undefined ? {} : { authorization }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(internal === undefined ? {} : { internal }),
  };
}
