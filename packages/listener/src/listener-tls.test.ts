import { entryLogger, systemRuntime, systemTimers } from "@hawser/runtime";
import { until } from "@hawser/testkit";
import type { Acceptor, SocketInfo } from "@hawser/transport";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { HTTP2_PREFACE } from "./read-protocol.js";
import { TLS_HANDSHAKES } from "./admitted-sockets.js";
import { createListener } from "./create-listener.js";
import type { Listener } from "./listener.js";
import type { ListenerOptions } from "./listener-options.js";
import { pem } from "./testing/pem.js";

const ca = pem("ca");
const serverTls = { cert: pem("server"), key: pem("server.key") };
const clientTls = { cert: pem("client"), key: pem("client.key") };
const strangerTls = { cert: pem("stranger"), key: pem("stranger.key") };

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Says to each client which acceptor it reached, and echoes. */
function echo(alpn: Acceptor["alpn"], infos: SocketInfo[]): Acceptor {
  return {
    alpn,
    start: async () => {},
    stop: async () => {},
    accept(socket, info) {
      // What it may be told is for the listener's own tests.
      const { overBudget: _, ...rest } = info;
      infos.push(rest);
      cleanups.push(() => void socket.destroy());
      socket.write(`${alpn}|`);
      socket.on("data", (chunk: Buffer) => void socket.write(chunk));
    },
  };
}

async function listen(
  protocols: readonly Acceptor["alpn"][],
  tls: Partial<NonNullable<ListenerOptions["tls"]>> = {},
  options: Partial<ListenerOptions> = {},
  runtime = systemRuntime(),
): Promise<{ listener: Listener; port: number; infos: SocketInfo[] }> {
  const infos: SocketInfo[] = [];
  const listener = createListener(
    { port: 0, ...options, tls: { ...serverTls, ...tls } },
    { runtime, acceptors: protocols.map((alpn) => echo(alpn, infos)) },
  );
  cleanups.push(() => listener.stop());
  return { listener, infos, port: (await listener.start()).port };
}

function dial(port: number, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ host: "127.0.0.1", port, ca, ...options });
  cleanups.push(() => void socket.destroy());
  return socket;
}

/** Writes, and reads until `length` bytes are there. */
async function exchange(client: TLSSocket, said: string | Buffer, length: number): Promise<string> {
  client.write(said);
  let heard = "";
  client.on("data", (chunk: Buffer) => {
    heard += chunk.toString("latin1");
  });
  await until(() => heard.length >= length);
  return heard;
}

async function failure(client: TLSSocket): Promise<string> {
  client.resume();
  const [error] = (await once(client, "error")) as [Error & { code?: string }];
  return error.code ?? error.message;
}

it("tells of a handshake that fails, and why, but not of one who only goes away", async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = entryLogger("info", (entry) => lines.push(entry));
  const { port, listener } = await listen(["http/1.1", "h2"], {}, {}, systemRuntime(logger));
  const told = async (count: number): Promise<unknown> => {
    await until(() => lines.length === count);
    return lines[count - 1];
  };
  const failed = (reason: string): unknown =>
    expect.objectContaining({
      level: "warn",
      code: "connection_failed",
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      msg: `a TLS handshake failed: ${reason}`,
    });

  connectTcp(port, "127.0.0.1")
    .on("error", () => {})
    .end(Buffer.from([0x16, 0x03, 0x01]));
  await until(() => listener.stats().tlsFailed === 1);
  connectTcp(port, "127.0.0.1")
    .on("error", () => {})
    .end("GET / HTTP/1.1\r\n\r\n");
  expect(await told(1)).toEqual(failed("http request"));
  await failure(dial(port, { ca, ALPNProtocols: ["spdy/3"] }));
  expect(await told(2)).toEqual(failed("no application protocol"));
});

describe("telling protocols apart over TLS", () => {
  it.each([
    { offered: ["h2"], expected: "h2" },
    { offered: ["http/1.1"], expected: "http/1.1" },
    { offered: ["http/1.1", "h2"], expected: "h2" },
  ] as const)("goes by ALPN: $offered", async ({ offered, expected }) => {
    const { port, infos, listener } = await listen(["http/1.1", "h2"]);
    const client = dial(port, { ALPNProtocols: [...offered] });
    expect(await exchange(client, "hello", expected.length + 6)).toBe(`${expected}|hello`);
    expect(infos).toEqual([{ address: `127.0.0.1:${client.localPort}` }]);
    expect(listener.stats()).toMatchObject({ handshakes: 1, handedOver: 1, tlsFailed: 0, lost: 0 });
  });

  it("offers only what an acceptor speaks", async () => {
    const { port } = await listen(["http/1.1"]);
    expect(await exchange(dial(port, { ALPNProtocols: ["h2", "http/1.1"] }), "x", 10)).toBe("http/1.1|x");
    expect(await failure(dial(port, { ALPNProtocols: ["h2"] }))).toBe(
      "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
    );
  });

  it("goes by the first bytes when the client offers no ALPN", async () => {
    const { port } = await listen(["http/1.1", "h2"]);
    expect(await exchange(dial(port), "GET", 12)).toBe("http/1.1|GET");
    const preface = HTTP2_PREFACE.toString("latin1");
    const client = dial(port);
    client.write(HTTP2_PREFACE.subarray(0, 5));
    expect(await exchange(client, HTTP2_PREFACE.subarray(5), 3 + preface.length)).toBe(`h2|${preface}`);
  });

  it("refuses TLS 1.1", async () => {
    const { port, listener } = await listen(["h2"]);
    const client = dial(port, {
      minVersion: "TLSv1.1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    expect(await failure(client)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await until(() => listener.stats().tlsFailed === 1);
  });

  it.each([
    ["CBC", "ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA"],
    ["CCM with a short tag", "ECDHE-ECDSA-AES256-CCM8"],
    ["no forward secrecy", "AES256-GCM-SHA384"],
  ])("takes no suite of TLS 1.2 with %s", async (_name, ciphers) => {
    const { port, listener } = await listen(["h2"]);
    const client = dial(port, { maxVersion: "TLSv1.2", ciphers });
    expect(await failure(client)).toMatch(/HANDSHAKE_FAILURE/);
    await until(() => listener.stats().tlsFailed === 1);
  });

  it("does not let a client renegotiate, and goes on without it", async () => {
    const { port } = await listen(["http/1.1"]);
    const client = dial(port, { maxVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] });
    expect(await exchange(client, "GET", 12)).toBe("http/1.1|GET");
    const answer = new Promise<Error | null>((resolve) => client.renegotiate({}, resolve));
    const refused = await Promise.race([answer, once(client, "error").then(([error]) => error as Error)]);
    expect(refused).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
    expect(await exchange(dial(port), "GET", 12)).toBe("http/1.1|GET");
  });

  it("survives plaintext, garbage and a reset in the handshake", async () => {
    const { port, listener } = await listen(["http/1.1"]);
    for (const said of ["GET / HTTP/1.1\r\n\r\n", Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 0x00])]) {
      const failed = listener.stats().tlsFailed;
      const client = connectTcp(port, "127.0.0.1");
      client.on("error", () => {});
      cleanups.push(() => void client.destroy());
      await once(client, "connect");
      await new Promise((resolve) => client.write(said, resolve));
      client.resetAndDestroy();
      await until(() => listener.stats().tlsFailed === failed + 1);
    }
    expect(listener.stats().handshakes).toBe(0);
    expect(await exchange(dial(port), "GET", 12)).toBe("http/1.1|GET");
  });

  it("holds the deadline over the handshake and the first bytes together", async () => {
    const { port, listener } = await listen(["http/1.1"], {}, { admission: { handshakeTimeoutMs: 100 } });
    const inHandshake = connectTcp(port, "127.0.0.1");
    inHandshake.on("error", () => {});
    const afterHandshake = dial(port);
    afterHandshake.on("error", () => {});
    afterHandshake.resume();
    await until(() => inHandshake.closed && afterHandshake.closed);
    expect(listener.stats()).toMatchObject({ handshakes: 0, handshakeTimeout: 2, tlsFailed: 0, lost: 0 });
  });
});

describe("a certificate that is replaced", () => {
  const newer = { cert: strangerTls.cert, key: strangerTls.key };

  it.each(["", "no certificate", pem("server.key"), pem("ca").slice(0, 200)])(
    "an authority that is none is refused at the start and later: %#",
    async (clientCa) => {
      await expect(listen(["http/1.1"], { clientCa })).rejects.toMatchObject({ code: "invalid_config" });
      const { listener } = await listen(["http/1.1"], { clientCa: ca });
      expect(() => listener.secure({ ...serverTls, clientCa })).toThrow(/listen\.tls/);
      listener.secure({ ...serverTls, clientCa: Buffer.concat([ca, pem("stranger")]) });
    },
  );

  it("says when it ends, of the one that is shown", async () => {
    const { listener } = await listen(["http/1.1"]);
    expect(listener.certificateNotAfter).toBe(Date.parse(new X509Certificate(serverTls.cert).validTo));
    const plain = createListener({ port: 0 }, { runtime: systemRuntime(), acceptors: [] });
    expect(plain.certificateNotAfter).toBeUndefined();
  });

  it("is shown to whoever comes next, and who is there stays", async () => {
    const { port, listener } = await listen(["http/1.1"]);
    const before = dial(port, { ALPNProtocols: ["http/1.1"] });
    expect(await exchange(before, "a", 10)).toBe("http/1.1|a");
    listener.secure(newer);
    const after = dial(port, {
      ALPNProtocols: ["http/1.1"],
      ca: strangerTls.cert,
      checkServerIdentity: () => undefined,
    });
    expect(await exchange(after, "b", 10)).toBe("http/1.1|b");
    expect(after.getPeerCertificate().subject.CN).toBe("agent-1");
    expect(await exchange(before, "c", 1)).toBe("c");
  });

  it.each([
    ["a key that does not fit", { cert: strangerTls.cert, key: serverTls.key }],
    ["no certificate", { cert: "nothing", key: serverTls.key }],
    ["an authority where there was none", { ...newer, clientCa: ca }],
  ])("is refused with %s, and the old one stays", async (_name, tls) => {
    const { port, listener } = await listen(["http/1.1"]);
    expect(() => listener.secure(tls)).toThrow(/listen\.tls/);
    expect(await exchange(dial(port, { ALPNProtocols: ["http/1.1"] }), "a", 10)).toBe("http/1.1|a");
  });
});

describe("client certificates", () => {
  it("tells the acceptor the common name of a verified one", async () => {
    const { port, infos } = await listen(["http/1.1"], { clientCa: ca });
    const client = dial(port, { ...clientTls, ALPNProtocols: ["http/1.1"] });
    await exchange(client, "x", 10);
    expect(infos).toEqual([
      { address: `127.0.0.1:${client.localPort}`, certificate: { kind: "usable", names: ["agent-1"] } },
    ]);
  });

  it.each([
    { who: "no certificate", credentials: {} },
    { who: "one signed by somebody else", credentials: strangerTls },
  ])("lets nobody in with $who", async ({ credentials }) => {
    const { port, infos, listener } = await listen(["http/1.1"], { clientCa: ca });
    const client = dial(port, credentials);
    client.on("error", () => {});
    // TLS 1.3 lets a client believe it is connected until the server has gone.
    client.resume();
    await until(() => client.closed && listener.stats().tlsFailed === 1);
    expect(infos).toEqual([]);
  });

  it("does not believe a certificate when no authority is configured", async () => {
    const { port, infos } = await listen(["http/1.1"]);
    await exchange(dial(port, { ...clientTls }), "x", 10);
    expect(infos[0]).not.toHaveProperty("certificate");
  });
});

/** What a client of TLS says first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  cleanups.push(() => void server.close());
  await once(server, "listening");
  const arriving = once(server, "connection");
  const { port } = server.address() as AddressInfo;
  const client = dial(port).on("error", () => {});
  const [socket] = (await arriving) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  client.destroy();
  return hello;
}

it("handshakes that clients begin all at once take a few of each turn of the event loop", async () => {
  const total = 20;
  // However long the turns are here: a long one would take more.
  const runtime = { ...systemRuntime(), clock: { now: () => 0, wallTime: () => 0 } };
  const { listener, port } = await listen(["h2"], {}, { admission: { rampMs: 0, burst: 100 } }, runtime);
  const hello = await clientHello();
  const sockets = Array.from({ length: total }, () => connectTcp(port, "127.0.0.1").on("error", () => {}));
  cleanups.push(() => sockets.forEach((socket) => void socket.destroy()));
  await until(() => listener.stats().handshakes === total);
  const answeredIn = new Map<number, number>();
  let turn = 0;
  let isOver = false;
  cleanups.push(() => void (isOver = true));
  const next = (): void => {
    turn += 1;
    if (!isOver) systemTimers.soon(next);
  };
  next();
  for (const socket of sockets) {
    socket.once("data", () => answeredIn.set(turn, (answeredIn.get(turn) ?? 0) + 1));
    socket.write(hello);
  }
  const answered = (): number => [...answeredIn.values()].reduce((sum, each) => sum + each, 0);
  await until(() => answered() === total);
  // Answers of one turn are read in the next one, and may be with those of another.
  expect(Math.max(...answeredIn.values())).toBeLessThanOrEqual(2 * TLS_HANDSHAKES.perTurn);
});
