import type { Server, Socket } from "node:net";

/** Where a listener is, and how its server gets there. Closing the server leaves the place. */
export interface Endpoint<Address> {
  /** @throws HawserError `port_in_use`, `address_unavailable`, or `aborted` when the server was closed meanwhile */
  bind(server: Server): Promise<Address>;
  /** A name for the other end that no other socket of this endpoint has; undefined when it has gone already. */
  peerOf(socket: Socket): string | undefined;
}

/** Of a listener that takes what others have accepted, and accepts nothing itself. */
export const NO_ENDPOINT: Endpoint<undefined> = {
  bind: () => Promise.resolve(undefined),
  peerOf: () => undefined,
};
