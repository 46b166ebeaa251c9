import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Dialer } from "../dialer.js";
import type { LinkFaults } from "../link-faults.js";
import { portOf, TcpProxy } from "./tcp-proxy.js";
import type { TransportUnderTest } from "./under-test.js";

/** What lies between the dialer and the acceptor of one case. */
export interface Wires {
  /** Dials through the faults. */
  readonly dialer: Dialer;
  /** Dials past them. */
  readonly directDialer: Dialer;
  readonly faults: LinkFaults;
  /** Where the acceptor is reached directly; 0 for transports without sockets. */
  readonly port: number;
  cutAll(): Promise<void>;
}

/** For sockets: a listener that feeds the acceptor, and a proxy in front of it. */
export async function layWires({ acceptor, wire }: TransportUnderTest): Promise<Wires> {
  if (wire.kind === "in-process") {
    return {
      dialer: wire.dialer,
      directDialer: wire.neighbour,
      faults: wire.faults,
      port: 0,
      cutAll: () => Promise.resolve(),
    };
  }
  const sockets = new Set<Socket>();
  const listener =
    wire.server ??
    createServer({ allowHalfOpen: true }, (socket) =>
      acceptor.accept(socket, { address: `${socket.remoteAddress}:${socket.remotePort}` }),
    );
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  const port = await listen(listener);
  const proxy = new TcpProxy(port);
  return {
    dialer: wire.createDialer(await proxy.start()),
    directDialer: wire.createDialer(port),
    faults: proxy,
    port,
    async cutAll() {
      await proxy.stop();
      for (const socket of sockets) socket.destroy();
      const closed = once(listener, "close");
      listener.close();
      await closed;
    },
  };
}

async function listen(listener: Server): Promise<number> {
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return portOf(listener);
}
