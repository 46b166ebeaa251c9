import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, onTestFinished, vi } from "vitest";
import { clientOver } from "./given-socket.js";
import { createGrpcAcceptor } from "./index.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const NODE_MAJOR = Number.parseInt(process.versions.node, 10);
const CONNECTIONS = 20;
const GARBAGE = "GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
/** RFC 9113, section 6.5: none but the defaults. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const SETTINGS_ACKNOWLEDGED = Buffer.from([0, 0, 0, 4, 1, 0, 0, 0, 0]);

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Has the socket gone before Node destroys it with the error of its session. */
function destroyEarly(socket: Socket): WeakRef<Socket> {
  socket.once("finish", () => socket.destroy());
  return new WeakRef(socket);
}

/** What was used last may stay on the stack, and a timer of grpc-js keeps a channel for a second. */
async function expectCollected(sockets: readonly WeakRef<Socket>[]): Promise<void> {
  expect(sockets).toHaveLength(CONNECTIONS);
  await vi.waitFor(
    () => {
      collectGarbage();
      const left = sockets.filter((socket) => socket.deref() !== undefined).length;
      expect(left).toBeLessThanOrEqual(2);
    },
    { timeout: 20_000 },
  );
}

it("nothing is left of a socket of a client that broke HTTP/2 and was gone before it was told", async () => {
  const acceptor = createGrpcAcceptor();
  await acceptor.start(() => {});
  onTestFinished(() => acceptor.stop());
  const sockets: WeakRef<Socket>[] = [];
  const port = await listen((socket) => {
    sockets.push(destroyEarly(socket));
    acceptor.accept(socket, { address: "somewhere:1" });
  });
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const client = connect(port, "127.0.0.1");
    client.on("error", () => {});
    client.resume().write(GARBAGE);
    await once(client, "close");
  }
  await expectCollected(sockets);
});

it("nothing is left of a socket of a server that speaks no HTTP/2", async () => {
  await expectServersCollected(Buffer.alloc(0), Buffer.from("PRI * HTTP/2.0"));
});

// Before Node.js 22 such a session is no error: it stops without a word, and the keepalive ends it.
it.runIf(NODE_MAJOR >= 22)("nothing is left of a socket of a server that breaks HTTP/2 later", async () => {
  await expectServersCollected(SETTINGS, SETTINGS_ACKNOWLEDGED);
});

/** @param opening what the server says at once; @param heard what the client has said when the server ends with garbage */
async function expectServersCollected(opening: Buffer, heard: Buffer): Promise<void> {
  const port = await listen((socket) => {
    let read = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      if (!read.includes(heard)) return;
      socket.off("data", take);
      socket.end(GARBAGE);
    };
    socket.on("data", take);
    socket.write(opening);
  });
  const sockets: WeakRef<Socket>[] = [];
  for (let count = 0; count < CONNECTIONS; count += 1) sockets.push(await breakOff(port));
  await expectCollected(sockets);
}

/** One connection of a client of grpc-js, from its beginning to its end. */
async function breakOff(port: number): Promise<WeakRef<Socket>> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const client = clientOver(socket, false, {});
  client.getChannel().getConnectivityState(true);
  const reference = destroyEarly(socket);
  await once(socket, "close");
  client.close();
  return reference;
}
