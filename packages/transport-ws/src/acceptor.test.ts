import { createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Connection } from "@hawser/transport";
import { expect, onTestFinished, test } from "vitest";
import { refuseLateRequest } from "./http-refusal.js";
import { createWebSocketAcceptor, createWebSocketDialer, type WebSocketAcceptorOptions } from "./index.js";
import { listen, listening } from "./testing/listening.js";
import { OPCODES, RawPeer, upgradeRequest } from "./testing/raw-peer.js";

const JSON_ONLY = { "sec-websocket-protocol": "cloudevents.json" };

async function ask(request: string, options: WebSocketAcceptorOptions = {}) {
  const { port } = await listening(createWebSocketAcceptor(options));
  const peer = await RawPeer.connect(port);
  peer.socket.write(request);
  const answer = await peer.readAnswer();
  await peer.closed;
  return answer;
}

test.each([
  ["offers nothing", upgradeRequest()],
  ["offers something else", upgradeRequest({ "sec-websocket-protocol": "mqtt, cloudevents.avro" })],
])("a client that %s is refused by name", async (_name, request) => {
  expect(await ask(request)).toMatchObject({
    status: 400,
    body: {
      error: {
        code: "unsupported_subprotocol",
        message: "Offer one of these subprotocols: cloudevents.json, cloudevents.proto.",
      },
    },
  });
});

test("an acceptor of one subprotocol refuses the other", async () => {
  const answer = await ask(upgradeRequest(JSON_ONLY), { subprotocols: ["cloudevents.proto"] });
  expect(answer).toMatchObject({ status: 400, body: { error: { code: "unsupported_subprotocol" } } });
});

test.each([
  ["an upgrade", upgradeRequest(JSON_ONLY, "/v1/other")],
  ["a request", "GET / HTTP/1.1\r\nhost: principal\r\n\r\n"],
])("%s for another path is answered with 404 and the right one", async (_name, request) => {
  expect(await ask(request)).toMatchObject({
    status: 404,
    body: { error: { code: "not_found", message: "Agents connect at /v1/connect." } },
  });
});

const LOOPBACK_ONLY = { hosts: ["hawser.example.org"], origins: ["https://console.example.org"] };

test.each([
  ["the origin of any page", { origin: "https://evil.example" }, {}],
  ["an origin that nobody knows", { origin: "null" }, {}],
  ["an origin, where others may", { origin: "https://evil.example" }, { allow: LOOPBACK_ONLY }],
  ["a host that was made to point here", { host: "evil.example:7480" }, { allow: LOOPBACK_ONLY }],
])("an upgrade with %s is answered with 403", async (_name, headers, options) => {
  expect(await ask(upgradeRequest({ ...JSON_ONLY, ...headers }), options)).toMatchObject({
    status: 403,
    body: { error: { code: "forbidden" } },
  });
  const plain = Object.entries({ host: "localhost", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  expect(await ask(`GET /v1/connect HTTP/1.1\r\n${plain.join("")}\r\n`, options)).toMatchObject({
    status: 403,
  });
});

test.each([
  [{ origin: "https://console.example.org" }],
  [{ host: "localhost:7480" }],
  [{ host: "hawser.example.org" }],
])("an upgrade with %j is taken where the list has it", async (headers) => {
  const { port } = await listening(createWebSocketAcceptor({ allow: LOOPBACK_ONLY }));
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest({ host: "localhost", ...JSON_ONLY, ...headers }));
  expect(await peer.readHead()).toContain("101 Switching Protocols");
});

test("the internal port goes by any name, and is no more open to pages", async () => {
  const { port } = await listening(createWebSocketAcceptor({ allow: LOOPBACK_ONLY }), { internal: true });
  const foreign = { ...JSON_ONLY, host: "192.0.2.2:7482" };
  const peer = await RawPeer.connect(port);
  peer.socket.write(upgradeRequest(foreign));
  expect(await peer.readHead()).toContain("101 Switching Protocols");
  const page = await RawPeer.connect(port);
  page.socket.write(upgradeRequest({ ...foreign, origin: "http://192.0.2.2:7482" }));
  expect((await page.readAnswer()).status).toBe(403);
});

test.each([
  ["nothing", ""],
  ["half a head", "GET /v1/connect HTTP/1.1\r\nhost: principal\r\n"],
])("a client that sends %s is answered with 408 when the time is over", async (_name, request) => {
  expect(await ask(request, { handshakeTimeoutMs: 50 })).toMatchObject({
    status: 408,
    body: { error: { code: "timeout", message: "No whole request to connect came within 50 ms." } },
  });
});

test("a client that takes no answer is cut when the time is over", () => {
  const socket = new Duplex({ read() {}, write() {} });
  socket.end("an answer that nobody takes");
  refuseLateRequest(socket, 50);
  expect(socket.destroyed).toBe(true);
});

test("a plain request for the path is answered with 426", async () => {
  const { status, head, body } = await ask("GET /v1/connect?x=1 HTTP/1.1\r\nhost: principal\r\n\r\n");
  expect({ status, body }).toMatchObject({ status: 426, body: { error: { code: "invalid_message" } } });
  expect(head).toContain("upgrade: websocket");
});

test.each([
  ["a WebSocket version nobody speaks", upgradeRequest({ ...JSON_ONLY, "sec-websocket-version": "7" })],
  ["a key that is none", upgradeRequest({ ...JSON_ONLY, "sec-websocket-key": "short" })],
  ["an upgrade to something else", upgradeRequest({ ...JSON_ONLY, upgrade: "h2c" })],
])("%s is answered with 400 and the version spoken", async (_name, request) => {
  const { status, head, body } = await ask(request);
  expect({ status, body }).toMatchObject({ status: 400, body: { error: { code: "invalid_message" } } });
  expect(head).toContain("sec-websocket-version: 13");
});

test.each(["/agents/v1/connect", "/agents/v1/connect/"])(
  "with a base path, %s is the endpoint",
  async (path) => {
    const { port } = await listening(createWebSocketAcceptor({ basePath: "/agents/" }));
    const peer = await RawPeer.connect(port);
    peer.socket.write(upgradeRequest(JSON_ONLY, path));
    expect(await peer.readHead()).toContain(" 101 ");
  },
);

test.each(["agents", "/agents?a=b"])("the base path %j is refused", (basePath) => {
  expect(() => createWebSocketAcceptor({ basePath })).toThrow(/basePath must begin with a slash/);
});

test("the connection knows its peer; a query string does not matter", async () => {
  const info = { address: "192.0.2.7:4711", certificate: { kind: "usable", names: ["agent-7"] } } as const;
  const { port, accepted } = await listening(createWebSocketAcceptor({ basePath: "/agents" }), info);
  const peer = await RawPeer.connect(port);
  peer.socket.write(
    upgradeRequest({ ...JSON_ONLY, authorization: "Bearer abc" }, "/agents/v1/connect?trace=1"),
  );
  expect(await peer.readHead()).toContain("Sec-WebSocket-Protocol: cloudevents.json");
  const { connection } = await accepted();
  expect(connection.peer).toEqual({ ...info, authorization: "Bearer abc" });
  expect(connection.transport).toBe("ws-json");
});

test("bytes a listener has looked at and put back are not lost", async () => {
  const acceptor = createWebSocketAcceptor();
  const connections: Connection[] = [];
  await acceptor.start((connection) => connections.push(connection));
  onTestFinished(() => acceptor.stop());
  const server = createServer((socket) => {
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      acceptor.accept(socket, { address: "tester:1" });
    });
  });
  const dialer = createWebSocketDialer({
    url: `ws://127.0.0.1:${await listen(server)}`,
    subprotocol: "cloudevents.json",
  });
  const dialled = await dialer.dial();
  expect(connections).toHaveLength(1);
  dialled.open({ message() {}, writable() {}, ended() {} });
});

test("before start and after stop, sockets are not kept", async () => {
  const acceptor = createWebSocketAcceptor();
  const server = createServer((socket: Socket) => acceptor.accept(socket, { address: "tester:1" }));
  const port = await listen(server);
  const early = await RawPeer.connect(port);
  await early.closed;
  await acceptor.start(() => {});
  await acceptor.stop();
  const late = await RawPeer.connect(port);
  await late.closed;
});

test("stop ends sockets that are still shaking hands", async () => {
  const acceptor = createWebSocketAcceptor();
  const { port } = await listening(acceptor);
  const idle = await RawPeer.connect(port);
  const upgraded = await RawPeer.upgraded(port, "cloudevents.json");
  await acceptor.stop();
  await Promise.all([idle.closed, upgraded.closed]);
});

test("a quiet connection is pinged", async () => {
  const { port } = await listening(createWebSocketAcceptor({ keepAliveIntervalMs: 10 }));
  const peer = await RawPeer.upgraded(port, "cloudevents.json");
  expect(await peer.readFrame()).toMatchObject({ opcode: OPCODES.ping });
});

test("a peer that does not answer a close is cut after the close timeout", async () => {
  const { port, accepted } = await listening(createWebSocketAcceptor({ closeTimeoutMs: 20 }));
  const peer = await RawPeer.upgraded(port, "cloudevents.json");
  const { connection, ended } = await accepted();
  connection.close(1000, "done");
  expect(await peer.readCloseCode()).toBe(1000);
  expect(await ended).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
});

test.each([0, 1.5, 1_048_577, Number.NaN])("maxFrameBytes %d is refused", (maxFrameBytes) => {
  expect(() => createWebSocketAcceptor({ maxFrameBytes })).toThrow(/maxFrameBytes must be a whole number/);
});
