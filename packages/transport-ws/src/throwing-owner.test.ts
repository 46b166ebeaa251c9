import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { HawserError } from "@hawser/protocol";
import { systemRuntime } from "@hawser/runtime";
import { createVirtualRuntime } from "@hawser/testkit";
import { Outbound, resolveStreamOptions, type ConnectionHandlers } from "@hawser/transport";
import { expect, test } from "vitest";
import { type DialSettings, dialWebSocket } from "./dial-attempt.js";
import { createWebSocketAcceptor, createWebSocketDialer } from "./index.js";
import { listen, listening, opened } from "./testing/listening.js";
import { WriteBatch } from "./write-batch.js";

const EVENT = { specversion: "1.0", id: "1", source: "/test", type: "com.example.test.v1" } as const;

function thrower(): never {
  throw new Error("a fault of the owner");
}

/** What is thrown out of an event would end this process, and the test run with it. */
test.each(["message", "ended"] as const)(
  "an owner that throws in %s loses this connection alone",
  async (where) => {
    const acceptor = createWebSocketAcceptor();
    const stage = await listening(acceptor);
    const dialer = createWebSocketDialer({
      url: `ws://127.0.0.1:${stage.port}`,
      subprotocol: "cloudevents.json",
    });
    const [neighbour, neighbourServer] = await Promise.all([dialer.dial(), stage.accepted()]);
    const well = opened(neighbour);
    const client = opened(await dialer.dial());
    await stage.accepted();
    const bad = await dialer.dial();
    const handlers: ConnectionHandlers = { message: () => {}, writable: () => {}, ended: () => {} };
    bad.open({ ...handlers, [where]: thrower });
    const server = await stage.accepted();
    server.connection.send(EVENT);
    server.connection.close(1000, "");
    await server.ended;
    bad.terminate(new HawserError("aborted", "the test is over"));
    neighbourServer.connection.send(EVENT);
    expect((await well.next()).id).toBe("1");
    expect(client.messages).toEqual([]);
  },
);

test("an owner that throws as it is given a connection loses this one alone", async () => {
  let connections = 0;
  const acceptor = createWebSocketAcceptor();
  const start = acceptor.start.bind(acceptor);
  acceptor.start = (onConnection) =>
    start((connection) => {
      connections += 1;
      if (connections === 1) thrower();
      onConnection(connection);
    });
  const stage = await listening(acceptor);
  const dialer = createWebSocketDialer({
    url: `ws://127.0.0.1:${stage.port}`,
    subprotocol: "cloudevents.json",
  });
  const lost = opened(await dialer.dial());
  expect(await lost.ended).toMatchObject({ kind: "lost" });
  const well = opened(await dialer.dial());
  (await stage.accepted()).connection.send(EVENT);
  expect((await well.next()).id).toBe("1");
});

test.each([
  ["headers", "ws"],
  ["authorization", "ws"],
  ["tls", "wss"],
])("%s that throws fails this dial alone", async (name, scheme) => {
  const stage = await listening(createWebSocketAcceptor());
  const to = { url: `${scheme}://127.0.0.1:${stage.port}`, subprotocol: "cloudevents.json" } as const;
  await expect(createWebSocketDialer({ ...to, [name]: thrower }).dial()).rejects.toMatchObject({
    code: "connection_failed",
  });
  const dialer = createWebSocketDialer({ ...to, url: `ws://127.0.0.1:${stage.port}` });
  const well = opened(await dialer.dial());
  (await stage.accepted()).connection.send(EVENT);
  expect((await well.next()).id).toBe("1");
});

function settingsTo(port: number, more: Partial<DialSettings>): DialSettings {
  const runtime = systemRuntime();
  const to = { host: "127.0.0.1", port };
  return {
    url: new URL(`ws://127.0.0.1:${port}/v1/connect`),
    name: `127.0.0.1:${port}`,
    subprotocols: ["cloudevents.json"],
    headers: async () => ({}),
    tls: () => ({}),
    outbound: new Outbound({ to, alpn: "http/1.1", proxy: undefined, timers: runtime.timers }),
    stream: resolveStreamOptions({}),
    runtime,
    ...more,
  };
}

test("a dial leaves no socket where the WebSocket cannot be made", async () => {
  const sockets: Socket[] = [];
  const port = await listen(createServer((socket) => sockets.push(socket.resume())));
  const subprotocols = ["cloudevents.json", "cloudevents.json"] as const;
  await expect(dialWebSocket(settingsTo(port, { subprotocols }), {})).rejects.toMatchObject({
    code: "connection_failed",
  });
  await expect.poll(() => sockets.length).toBe(1);
  for (const socket of sockets) if (!socket.closed) await once(socket, "close");
});

test("a dial fails, and its connection is closed, where what is made of the open WebSocket throws", async () => {
  const stage = await listening(createWebSocketAcceptor());
  const stream = Object.defineProperty({ ...resolveStreamOptions({}) }, "keepAliveIntervalMs", {
    get: thrower,
  });
  const dialled = dialWebSocket(settingsTo(stage.port, { stream }), {});
  const [server] = await Promise.all([
    stage.accepted(),
    expect(dialled).rejects.toMatchObject({ message: "a fault of the owner" }),
  ]);
  expect(await server.ended).toMatchObject({ kind: "lost" });
});

test("a batch that cannot be written ends its socket alone", async () => {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const virtual = createVirtualRuntime({ seed: 1 });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const failed = once(socket, "error");
  new WriteBatch(Object.assign(socket, { uncork: thrower }), virtual.runtime.timers).begin();
  await virtual.advance(0);
  expect((await failed)[0]).toMatchObject({ message: "a fault of the owner" });
  await closed;
});
