import { HawserError } from "@hawser/protocol";
import { startedTwice, type Acceptor, type Connection } from "@hawser/transport";
import type { VirtualHost } from "./virtual-host.js";

/** What takes the connections dialled to an address. */
export interface Listening {
  readonly host: VirtualHost;
  readonly onConnection: (connection: Connection) => void;
}

/** What an acceptor needs of the network. */
export interface Listenable {
  /** Answers what ends it. */
  readonly listen: (onConnection: Listening["onConnection"]) => () => void;
  /** Terminates the connections that were dialled to the acceptor. */
  readonly terminateAll: (error: HawserError) => void;
}

/** An `Acceptor` over an address of a simulated network. */
export function simulatedAcceptor({ listen, terminateAll }: Listenable): Acceptor {
  let close: (() => void) | undefined;
  return {
    alpn: "http/1.1",
    async start(onConnection) {
      if (close !== undefined) throw startedTwice();
      close = listen(onConnection);
    },
    accept(socket) {
      socket.destroy();
      throw new HawserError(
        "invalid_config",
        "a simulated acceptor takes no sockets: leave it out of what listens, and dial its address",
      );
    },
    async stop() {
      close?.();
      close = undefined;
      terminateAll(new HawserError("connection_closed", "the acceptor was stopped"));
    },
  };
}
