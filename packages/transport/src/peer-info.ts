import type { SocketInfo } from "./acceptor.js";
import type { PeerInfo } from "./connection.js";

/** The peer as its listener described the socket, with the `authorization` of the request. */
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
