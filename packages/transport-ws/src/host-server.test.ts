import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { systemRuntime } from "@hawser/runtime";
import type { Connection, UpgradeAcceptor } from "@hawser/transport";
import { expect, onTestFinished, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createWebSocketAcceptor, type WebSocketAcceptorOptions } from "./index.js";
import { listen, opened } from "./testing/listening.js";
import { encodeFrame, OPCODES, RawPeer, upgradeRequest } from "./testing/raw-peer.js";

// A server that is there already, with a page and a WebSocket of its own, hands the upgrades of agents over.

const JSON_ONLY = { "sec-websocket-protocol": "cloudevents.json" };
const HELLO = '{"specversion":"1.0","id":"1","source":"/test","type":"com.example.hello.v1"}';

interface Host {
  readonly port: number;
  readonly server: Server;
  /** Sockets that were handed over, in order. */
  readonly handed: Duplex[];
}

async function hostOf(acceptor: UpgradeAcceptor): Promise<Host> {
  const own = new WebSocketServer({ noServer: true });
  own.on("connection", (webSocket) =>
    webSocket.on("message", (data: Buffer) => webSocket.send(`echo ${data.toString()}`)),
  );
  const handed: Duplex[] = [];
  const server = createServer((_request, response) => response.end("the host's page"));
  server.on("upgrade", (request, socket, head) => {
    if (acceptor.takesUpgrade(request)) {
      handed.push(socket);
      acceptor.acceptUpgrade({ request, socket, head }, { address: "tester:1" });
    } else
      own.handleUpgrade(request, socket, head, (webSocket) => own.emit("connection", webSocket, request));
  });
  onTestFinished(() => acceptor.stop());
  return { port: await listen(server), server, handed };
}

async function hosted(
  options: WebSocketAcceptorOptions = {},
  onConnection: (connection: Connection) => void = () => {},
) {
  const acceptor = createWebSocketAcceptor(options);
  await acceptor.start(onConnection);
  return { acceptor, ...(await hostOf(acceptor)) };
}

/** A WebSocket of the host's own, which answers. */
async function ownWebSocket(port: number): Promise<() => Promise<string>> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
  onTestFinished(() => webSocket.terminate());
  await once(webSocket, "open");
  return async () => {
    const answered = once(webSocket, "message");
    webSocket.send("hello");
    return String((await answered)[0]);
  };
}

async function page(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/v1/connect`)).text();
}

test("what was read behind the request is not lost", async () => {
  const connections: Connection[] = [];
  const { port } = await hosted({}, (connection) => connections.push(connection));
  const peer = await RawPeer.connect(port);
  const hello = encodeFrame({ opcode: OPCODES.text, payload: HELLO });
  peer.socket.write(Buffer.concat([Buffer.from(upgradeRequest(JSON_ONLY)), hello]));
  expect(await peer.readHead()).toContain(" 101 ");
  const [connection] = connections;
  if (connection === undefined) throw new Error("there is no connection");
  expect((await opened(connection).next()).id).toBe("1");
});

test("pages and WebSockets of the host are left alone, also by a stop", async () => {
  const { acceptor, port, handed } = await hosted();
  const ask = await ownWebSocket(port);
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest(JSON_ONLY));
  expect(await peer.readHead()).toContain(" 101 ");
  expect(handed).toHaveLength(1);
  await acceptor.stop();
  await peer.closed;
  expect(await ask()).toBe("echo hello");
  expect(await page(port)).toBe("the host's page");
});

test.each([
  ["offers no subprotocol", upgradeRequest(), 400],
  ["speaks a version nobody speaks", upgradeRequest({ ...JSON_ONLY, "sec-websocket-version": "7" }), 400],
  ["has a key that is none", upgradeRequest({ ...JSON_ONLY, "sec-websocket-key": "short" }), 400],
  ["wants something else", upgradeRequest({ ...JSON_ONLY, upgrade: "h2c" }), 400],
  ["comes from a page", upgradeRequest({ ...JSON_ONLY, origin: "https://evil.example" }), 403],
])("a request that %s is answered, and closed", async (_name, request, status) => {
  const { port } = await hosted();
  const ask = await ownWebSocket(port);
  const peer = await RawPeer.connect(port);
  peer.socket.write(request);
  expect((await peer.readAnswer()).status).toBe(status);
  await peer.closed;
  expect(await ask()).toBe("echo hello");
});

test("half a request is no upgrade: it stays with the host", async () => {
  const { server, port, handed } = await hosted();
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest(JSON_ONLY).slice(0, -4));
  expect(await page(port)).toBe("the host's page");
  server.closeAllConnections();
  await peer.closed;
  expect(handed).toEqual([]);
});

test("before start and after stop an upgrade is told when to come back", async () => {
  const acceptor = createWebSocketAcceptor();
  const { port } = await hostOf(acceptor);
  const answered = async (): Promise<unknown> => {
    const peer = await RawPeer.connect(port);
    peer.socket.write(upgradeRequest(JSON_ONLY));
    const { status, head, body } = await peer.readAnswer();
    expect(head).toContain("retry-after: 5");
    expect(head).toContain("hawser-retry-after-ms: 5000");
    expect(body).toMatchObject({ error: { code: "overloaded" } });
    await peer.closed;
    return status;
  };
  expect(await answered()).toBe(503);
  await acceptor.start(() => {});
  await acceptor.stop();
  expect(await answered()).toBe(503);
});

test("a stop while upgrades wait for their turn ends them, and nobody else", async () => {
  const accepted: Connection[] = [];
  const { acceptor, port, handed } = await hosted({}, (connection) => accepted.push(connection));
  const ask = await ownWebSocket(port);
  const peers = await Promise.all(Array.from({ length: 12 }, () => RawPeer.connect(port)));
  for (const peer of peers) peer.socket.write(upgradeRequest(JSON_ONLY));
  // Only a few are begun in one turn of the event loop, so that some wait when the first is there.
  await vi.waitFor(() => expect(handed.length).toBeGreaterThan(0), { interval: 1 });
  await acceptor.stop();
  for (const socket of handed) expect(socket.destroyed).toBe(true);
  expect(await ask()).toBe("echo hello");
});

test("an error of a socket that was handed over reaches nobody", async () => {
  const { port, server, handed } = await hosted();
  const onHost = vi.fn();
  for (const event of ["error", "clientError"]) server.on(event, onHost);
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest(JSON_ONLY));
  expect(await peer.readHead()).toContain(" 101 ");
  handed[0]?.destroy(new Error("reset"));
  await peer.closed;
  expect(onHost).not.toHaveBeenCalled();
});

test("what its owner throws ends its socket, and the host goes on", async () => {
  const { port } = await hosted({ runtime: systemRuntime() }, () => {
    throw new Error("a fault of the owner's");
  });
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest(JSON_ONLY));
  await peer.closed;
  expect(await page(port)).toBe("the host's page");
});

test("a socket that has gone before it is handed over is not kept", async () => {
  const acceptor = createWebSocketAcceptor();
  await acceptor.start(() => {});
  const server = createServer();
  const gone = new Promise<void>((resolve) =>
    server.on("upgrade", (request, socket, head) => {
      socket.once("close", () => {
        acceptor.acceptUpgrade({ request, socket, head }, { address: "tester:1" });
        resolve();
      });
      socket.destroy();
    }),
  );
  const port = await listen(server);
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest(JSON_ONLY));
  await gone;
  // Ends only when the close of everything it holds has come.
  await acceptor.stop();
});
