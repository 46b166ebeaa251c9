import { systemRuntime } from "@hawser/runtime";
import { createVirtualRuntime, until } from "@hawser/testkit";
import type { SocketInfo, Upgrade, UpgradeAcceptor } from "@hawser/transport";
import { createGrpcAcceptor } from "@hawser/transport-grpc";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import type { UpgradeSource } from "./listener-options.js";
import { createListener } from "./create-listener.js";
import type { Listener } from "./listener.js";
import { pem } from "./testing/pem.js";
import type { AdmissionSettings } from "./admission/admission-settings.js";

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface HandedOver {
  readonly upgrade: Upgrade;
  readonly info: SocketInfo;
}

/** Keeps what it is given, and tells those that are refused. */
function keeping(handed: HandedOver[]): UpgradeAcceptor {
  return {
    alpn: "http/1.1",
    start: async () => {},
    stop: async () => {},
    accept: (socket) => void socket.destroy(),
    takesUpgrade: ({ url }) => url === "/agents/v1/connect",
    acceptUpgrade(upgrade, info) {
      handed.push({ upgrade, info });
      if (info.refusal !== undefined)
        upgrade.socket.end(
          `HTTP/1.1 503 Service Unavailable\r\nx-slot: ${info.refusal.retryAfterMs}\r\n\r\n`,
        );
    },
  };
}

function listenerOf(admission: Partial<AdmissionSettings> = {}, runtime = systemRuntime()) {
  const handed: HandedOver[] = [];
  const listener = createListener(
    { by: "upgrade", admission: { rampMs: 0, ...admission } },
    { runtime, acceptors: [keeping(handed)] },
  );
  cleanups.push(() => listener.stop());
  return { listener, handed };
}

/** A server of somebody else's; its upgrades for others are answered by itself. */
async function serve(
  server: Server,
  listener: Pick<Listener, "handleUpgrade">,
  source: UpgradeSource = {},
  place: number | string = 0,
): Promise<number> {
  server.on("upgrade", (request, socket, head) => {
    if (!listener.handleUpgrade(request, socket, head, source)) socket.end("HTTP/1.1 418 Mine\r\n\r\n");
  });
  if (typeof place === "string") server.listen(place);
  else server.listen(place, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

const UPGRADE = { connection: "Upgrade", upgrade: "websocket" };

/** The head of the answer; undefined when the connection was cut without one. */
function ask(port: number, path = "/agents/v1/connect"): Promise<IncomingMessage | undefined> {
  const request = httpRequest({ host: "127.0.0.1", port, path, headers: UPGRADE, agent: false });
  cleanups.push(() => void request.destroy());
  return new Promise((resolve) => {
    request.on("response", resolve);
    request.on("upgrade", resolve);
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
    request.end();
  });
}

describe("a listener by upgrade", () => {
  it("needs an acceptor that takes upgrades", () => {
    const parts = { runtime: systemRuntime(), acceptors: [createGrpcAcceptor({ runtime: systemRuntime() })] };
    expect(() => createListener({ by: "upgrade" }, parts)).toThrow(/none of the acceptors takes upgrades/);
  });

  it("says what by may be", () => {
    const wrong = JSON.parse('{"by":"hand"}');
    const parts = { runtime: systemRuntime(), acceptors: [keeping([])] };
    expect(() => createListener(wrong, parts)).toThrow(/listen.by must be "upgrade", not "hand"/);
  });

  it("binds nothing, and hands on what is for its acceptor, with where it comes from", async () => {
    const { listener, handed } = listenerOf();
    expect(await listener.start()).toBeUndefined();
    const port = await serve(createServer(), listener);
    void ask(port);
    await until(() => handed.length === 1);
    const { info, upgrade } = handed[0] ?? {};
    expect(info?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(upgrade?.request.headers.upgrade).toBe("websocket");
    expect(listener.stats()).toMatchObject({ handedOver: 1, unauthenticated: 1 });
  });

  it("stands in one line with those at a port, where there is one", async () => {
    const handed: HandedOver[] = [];
    const listener = createListener(
      { port: 0, admission: { rampMs: 0, ratePerSecond: 0.001, burst: 1 } },
      { runtime: systemRuntime(), acceptors: [keeping(handed)] },
    );
    cleanups.push(() => listener.stop());
    const { port } = await listener.start();
    listener.handleUpgrade(requestOf(), streamOf(), Buffer.alloc(0));
    expect(handed).toHaveLength(1);
    void ask(port);
    await until(() => listener.stats().waiting === 1);
    expect(handed).toHaveLength(1);
  });

  it("touches nothing of what is for somebody else", async () => {
    const { listener, handed } = listenerOf();
    await listener.start();
    const answer = await ask(await serve(createServer(), listener), "/chat");
    expect(answer?.statusCode).toBe(418);
    expect(handed).toEqual([]);
  });

  it.each(["before its start", "after its stop"])("tells when to come back %s", async (when) => {
    const { listener, handed } = listenerOf();
    const port = await serve(createServer(), listener);
    if (when === "after its stop") {
      await listener.start();
      await listener.stop();
    }
    const answer = await ask(port);
    expect(answer?.statusCode).toBe(503);
    // The difference of two times that are no whole milliseconds; acceptors tell it rounded up.
    expect(Math.ceil(Number(answer?.headers["x-slot"]))).toBeGreaterThanOrEqual(250);
    expect(handed[0]?.info.refusal?.message).toBe("no agents are let in now; come back at this time");
    expect(listener.stats()).toMatchObject({ refused: 1, handedOver: 0 });
  });

  it("tells only so many at once while it is not started, and closes the others", async () => {
    const { listener } = listenerOf({ maxRefusing: 1 }, createVirtualRuntime({ seed: 1 }).runtime);
    const cut = [streamOf(), streamOf(), streamOf()];
    for (const socket of cut) listener.handleUpgrade(requestOf(), socket, Buffer.alloc(0));
    await until(() => cut[1]?.destroyed === true && cut[2]?.destroyed === true);
    expect(listener.stats()).toMatchObject({ refused: 1, overCapacity: 2 });
  });

  it("lets in at the rate of the settings, one line for all", async () => {
    const world = createVirtualRuntime({ seed: 2 });
    const { listener, handed } = listenerOf({ ratePerSecond: 10, burst: 1 }, world.runtime);
    await listener.start();
    for (let n = 0; n < 3; n++) listener.handleUpgrade(requestOf(), streamOf(), Buffer.alloc(0));
    expect(handed).toHaveLength(1);
    expect(listener.stats()).toMatchObject({ waiting: 2 });
    await world.advance(100);
    expect(handed).toHaveLength(2);
    await world.advance(100);
    expect(handed).toHaveLength(3);
  });

  it("cuts one that is no session when the time is over", async () => {
    const world = createVirtualRuntime({ seed: 2 });
    const { listener, handed } = listenerOf({ handshakeTimeoutMs: 1_000 }, world.runtime);
    await listener.start();
    const socket = streamOf();
    listener.handleUpgrade(requestOf(), socket, Buffer.alloc(0));
    expect(handed).toHaveLength(1);
    await world.advance(1_000);
    expect(socket.destroyed).toBe(true);
    expect(listener.stats()).toMatchObject({ handshakeTimeout: 1, unauthenticated: 0 });
  });

  it("has no more of them than its budget, whoever accepted them", async () => {
    const { listener } = listenerOf({ maxUnauthenticated: 2 });
    await listener.start();
    const sockets = [streamOf(), streamOf(), streamOf()];
    for (const socket of sockets)
      listener.handleUpgrade(requestOf(), socket, Buffer.alloc(0), { client: "192.0.2.1" });
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(1);
    expect(listener.stats()).toMatchObject({ overBudget: 1, unauthenticated: 2 });
  });

  it("cuts those in line when it stops, and leaves the server alone", async () => {
    const { listener, handed } = listenerOf({ ratePerSecond: 0.001, burst: 1 });
    await listener.start();
    const server = createServer((_request, response) => response.end("mine"));
    const port = await serve(server, listener);
    const answers = [ask(port), ask(port)];
    await until(() => listener.stats().waiting === 1 && handed.length === 1);
    await listener.stop();
    await until(() => listener.stats().waiting === 0);
    handed[0]?.upgrade.socket.destroy();
    expect(await Promise.all(answers)).toEqual([undefined, undefined]);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("mine");
  });

  it("counts for its server's client, as far as that is an address", async () => {
    const { listener, handed } = listenerOf();
    await listener.start();
    for (const client of ["192.0.2.7", "2001:db8::1", "unknown"])
      listener.handleUpgrade(requestOf(), streamOf(), Buffer.alloc(0), { client });
    expect(handed.map(({ info }) => info.address)).toEqual(["192.0.2.7:1", "[2001:db8::1]:2", "upgrade#3"]);
  });

  it("tells the clients of a Unix socket apart", async () => {
    const { listener, handed } = listenerOf();
    await listener.start();
    const directory = await mkdtemp(join(tmpdir(), "hawser-"));
    cleanups.push(() => rm(directory, { recursive: true }));
    const socketPath = join(directory, "host.sock");
    await serve(createServer(), listener, {}, socketPath);
    for (let n = 1; n <= 2; n++) {
      const request = httpRequest({ socketPath, path: "/agents/v1/connect", headers: UPGRADE });
      request.on("error", () => {});
      cleanups.push(() => void request.destroy());
      request.end();
      await until(() => handed.length === n);
    }
    expect(handed.map(({ info }) => info.address)).toEqual(["upgrade#1", "upgrade#2"]);
  });

  it("does not wait for one that has gone already", async () => {
    const { listener, handed } = listenerOf();
    await listener.start();
    const socket = streamOf();
    socket.destroy();
    expect(listener.handleUpgrade(requestOf(), socket, Buffer.alloc(0))).toBe(true);
    expect(handed).toEqual([]);
    expect(listener.stats()).toMatchObject({ lost: 1, unauthenticated: 0 });
  });

  it("hears the error of a socket in line, so that nobody else has to", async () => {
    const { listener } = listenerOf({ ratePerSecond: 0.001, burst: 1 });
    await listener.start();
    const sockets = [streamOf(), streamOf()];
    for (const socket of sockets) listener.handleUpgrade(requestOf(), socket, Buffer.alloc(0));
    for (const socket of sockets) socket.destroy(new Error("reset"));
    await until(() => listener.stats().unauthenticated === 0);
    expect(listener.stats()).toMatchObject({ waiting: 0 });
  });
});

describe("the certificate of a client", () => {
  const tls = { cert: pem("server"), key: pem("server.key"), ca: pem("ca"), requestCert: true };
  it.each([
    ["is told where the server has verified it", "client", "client.key", true, { kind: "usable" }],
    ["is not told where it was let through unverified", "stranger", "stranger.key", false, undefined],
    ["is absent where the server got none", undefined, undefined, false, undefined],
  ] as const)("%s", async (_name, cert, key, rejectUnauthorized, expected) => {
    const { listener, handed } = listenerOf();
    await listener.start();
    const port = await serve(createTlsServer({ ...tls, rejectUnauthorized }), listener);
    const request = httpsRequest({
      host: "127.0.0.1",
      port,
      path: "/agents/v1/connect",
      headers: UPGRADE,
      ca: pem("ca"),
      servername: "localhost",
      checkServerIdentity: () => undefined,
      ...(cert === undefined ? {} : { cert: pem(cert), key: pem(key) }),
    });
    request.on("error", () => {});
    cleanups.push(() => void request.destroy());
    request.end();
    await until(() => handed.length === 1);
    const certificate = handed[0]?.info.certificate;
    if (expected === undefined) expect(certificate).toBeUndefined();
    else expect(certificate).toMatchObject(expected);
  });
});

function requestOf(): IncomingMessage {
  // Of a request only the path is looked at here.
  return { url: "/agents/v1/connect" } as IncomingMessage;
}

/** A socket of which nobody knows an address. */
function streamOf(): Duplex {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  cleanups.push(() => void socket.destroy());
  return socket;
}
