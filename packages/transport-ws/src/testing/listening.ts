import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { CloudEvent } from "@hawser/protocol";
import type { Acceptor, Connection, ConnectionEnd, SocketInfo } from "@hawser/transport";
import { onTestFinished } from "vitest";

/** A connection the acceptor handed out, already open, and what happened on it. */
export interface Accepted {
  readonly connection: Connection;
  readonly messages: CloudEvent[];
  readonly ended: Promise<ConnectionEnd>;
  /** Resolves with the next event. */
  next(): Promise<CloudEvent>;
}

export interface Listening {
  readonly port: number;
  /** The next connection nobody has asked for. */
  accepted(): Promise<Accepted>;
}

/** Starts the acceptor behind a listener on a loopback port until the test is finished. */
export async function listening(acceptor: Acceptor, info: Partial<SocketInfo> = {}): Promise<Listening> {
  const connections = queue<Accepted>();
  await acceptor.start((connection) => connections.push(opened(connection)));
  const server = createServer((socket) => acceptor.accept(socket, { address: "tester:1", ...info }));
  const port = await listen(server);
  onTestFinished(() => acceptor.stop());
  return { port, accepted: () => connections.next() };
}

/** Listens on a loopback port until the test is finished. */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server is not listening on TCP.");
  return address.port;
}

export function opened(connection: Connection): Accepted {
  const messages: CloudEvent[] = [];
  const arrivals = queue<CloudEvent>();
  const ended = new Promise<ConnectionEnd>((resolve) => {
    connection.open({
      message(event) {
        messages.push(event);
        arrivals.push(event);
      },
      writable() {},
      ended: resolve,
    });
  });
  return { connection, messages, ended, next: () => arrivals.next() };
}

function queue<T>(): { push(item: T): void; next(): Promise<T> } {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    push(item) {
      const waiter = waiting.shift();
      if (waiter === undefined) items.push(item);
      else waiter(item);
    },
    next() {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(item);
    },
  };
}
