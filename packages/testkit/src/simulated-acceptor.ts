import { HawserError } from "@hawser/protocol";
import { startedTwice, type Acceptor, type Connection } from "@hawser/transport";
import type { Listenable } from "./listening.js";
import type { VirtualHost } from "./virtual-host.js";

/** An `Acceptor` over an address of a simulated network. It keeps the connections it made, to terminate them when it stops. */
export function simulatedAcceptor(
  network: Listenable,
  options: { readonly host: VirtualHost; readonly address: string },
): Acceptor {
  const connections = new Set<Connection>();
  let close: (() => void) | undefined;
  return {
    alpn: "http/1.1",
    async start(onConnection) {
      if (close !== undefined) throw startedTwice();
      close = network.listen(options.address, options.host, (connection) => {
        connections.add(connection);
        onConnection(forgettingAtEnd(connection, () => connections.delete(connection)));
      });
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
      const stopped = new HawserError("connection_closed", "the acceptor was stopped");
      for (const connection of connections) connection.terminate(stopped);
    },
  };
}

/** The same connection, but `forget` runs when it ends. */
function forgettingAtEnd(connection: Connection, forget: () => void): Connection {
  return {
    transport: connection.transport,
    peer: connection.peer,
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    open: (handlers) =>
      connection.open({
        message: (event) => handlers.message(event),
        ...(handlers.unreadable === undefined ? {} : { unreadable: handlers.unreadable.bind(handlers) }),
        writable: () => handlers.writable(),
        ended: (end) => {
          forget();
          handlers.ended(end);
        },
      }),
    trust: () => connection.trust(),
    send: (event) => connection.send(event),
    close: (code, reason) => connection.close(code, reason),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    terminate: (error) => connection.terminate(error),
  };
}
