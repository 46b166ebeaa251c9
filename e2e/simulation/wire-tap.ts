import type { CloudEvent } from "@hawser/protocol";
import type { Acceptor, Connection, Dialer } from "@hawser/transport";

/** Sees every frame of one end of one connection. */
export interface Tap {
  sent(event: CloudEvent): void;
  received(event: CloudEvent): void;
}

/** The same dialer, with a tap on each connection it makes. */
export function tapDialer(dialer: Dialer, makeTap: () => Tap): Dialer {
  return {
    transport: dialer.transport,
    dial: async (options) => tapConnection(await dialer.dial(options), makeTap()),
  };
}

/** The same acceptor, with a tap on each connection it takes. */
export function tapAcceptor(acceptor: Acceptor, makeTap: () => Tap): Acceptor {
  return {
    alpn: acceptor.alpn,
    start: (onConnection, screen) =>
      acceptor.start((connection) => onConnection(tapConnection(connection, makeTap())), screen),
    accept: (socket, info) => acceptor.accept(socket, info),
    stop: () => acceptor.stop(),
  };
}

function tapConnection(connection: Connection, tap: Tap): Connection {
  let isOver = false;
  return {
    transport: connection.transport,
    peer: connection.peer,
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    open: (handlers) =>
      connection.open({
        message: (event) => {
          tap.received(event);
          handlers.message(event);
        },
        ...(handlers.unreadable === undefined ? {} : { unreadable: handlers.unreadable.bind(handlers) }),
        writable: () => handlers.writable(),
        ended: (end) => {
          isOver = true;
          handlers.ended(end);
        },
      }),
    trust: () => connection.trust(),
    send: (event) => {
      // What is sent after the close never leaves.
      if (!isOver) tap.sent(event);
      return connection.send(event);
    },
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: (code, reason) => {
      isOver = true;
      connection.close(code, reason);
    },
    terminate: (error) => {
      isOver = true;
      connection.terminate(error);
    },
  };
}
