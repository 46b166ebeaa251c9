import type { Connection } from "@hawser/transport";
import type { VirtualHost } from "./virtual-host.js";

/** Who takes the connections that are dialled to an address. */
export interface Listening {
  readonly host: VirtualHost;
  readonly onConnection: (connection: Connection) => void;
}

/** Where an acceptor listens: of the network, all it needs. */
export interface Listenable {
  listen(address: string, host: VirtualHost, onConnection: Listening["onConnection"]): () => void;
}
