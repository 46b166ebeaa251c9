import { entryLogger, systemRuntime } from "@hawser/runtime";
import type { Acceptor, SocketInfo } from "@hawser/transport";
import { createVirtualRuntime, until } from "@hawser/testkit";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import type { AdmissionSettings } from "./admission/admission-settings.js";
import { HTTP2_PREFACE } from "./read-protocol.js";
import { createListener } from "./create-listener.js";
import type { Listener } from "./listener.js";
import type { ListenerOptions } from "./listener-options.js";
import type { Handshake, AdmissionDecision } from "./pending-socket.js";

const UPGRADE = Buffer.from(
  "GET /v1/connect HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n",
);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Taken {
  readonly socket: Duplex;
  readonly info: SocketInfo;
  received: Buffer;
}

/** An acceptor that keeps what it is given and reads it. */
function recorder(alpn: Acceptor["alpn"]): Acceptor & { readonly taken: Taken[] } {
  const taken: Taken[] = [];
  return {
    alpn,
    taken,
    start: async () => {},
    stop: async () => {},
    accept(socket, info) {
      const entry: Taken = { socket, info, received: Buffer.alloc(0) };
      taken.push(entry);
      socket.on("data", (chunk: Buffer) => {
        entry.received = Buffer.concat([entry.received, chunk]);
      });
      cleanups.push(() => void socket.destroy());
    },
  };
}

/** Feeds a real server of Node. */
function feeding(
  alpn: Acceptor["alpn"],
  server: { emit(event: "connection", socket: Duplex): boolean },
): Acceptor {
  return {
    alpn,
    start: async () => {},
    stop: async () => {},
    accept: (socket) => void server.emit("connection", socket),
  };
}

async function listen(
  acceptors: readonly Acceptor[],
  options: Partial<ListenerOptions> = {},
  runtime = systemRuntime(),
): Promise<{ listener: Listener; host: string; port: number }> {
  const listener = createListener(
    { port: 0, ...options, admission: { rampMs: 0, ...options.admission } },
    { runtime, acceptors },
  );
  cleanups.push(() => listener.stop());
  return { listener, ...(await listener.start()) };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  cleanups.push(() => void socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

function arrivalOf({ localPort }: Socket): Handshake {
  return { peer: { address: `127.0.0.1:${localPort}` }, terminate: () => {} };
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await closed(socket);
  return Buffer.concat(chunks);
}

it("counts a socket that its acceptor cut because strangers hold too much", async () => {
  const h2 = recorder("h2");
  const { listener, port } = await listen([h2]);
  const client = await dial(port);
  client.write(HTTP2_PREFACE);
  await until(() => h2.taken.length === 1);
  h2.taken[0]?.info.overBudget?.();
  expect(listener.stats().overBudget).toBe(1);
});

describe("telling protocols apart on one plaintext port", () => {
  it("hands an upgrade and a preface to their acceptors, split at every boundary", async () => {
    const [h1, h2] = [recorder("http/1.1"), recorder("h2")];
    const { port } = await listen([h1, h2]);
    for (const [bytes, acceptor] of [
      [UPGRADE, h1],
      [HTTP2_PREFACE, h2],
    ] as const) {
      for (let at = 1; at < bytes.length; at += 1) {
        const client = await dial(port);
        await new Promise((resolve) => client.write(bytes.subarray(0, at), resolve));
        client.write(bytes.subarray(at));
        await until(() => acceptor.taken.at(-1)?.received.length === bytes.length);
        const taken = acceptor.taken.splice(0);
        expect(taken).toHaveLength(1);
        expect(taken[0]?.received.equals(bytes)).toBe(true);
        expect(taken[0]?.info).toEqual({
          address: `127.0.0.1:${client.localPort}`,
          overBudget: expect.any(Function),
        });
        client.destroy();
      }
    }
  });

  it("feeds Node's own HTTP/1.1 and HTTP/2 servers", async () => {
    const http1 = createHttpServer((_request, response) => response.end("one"));
    const http2 = createHttp2Server();
    http2.on("stream", (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("two");
    });
    const { port } = await listen([feeding("http/1.1", http1), feeding("h2", http2)]);

    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("one");

    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const request = session.request({ ":path": "/" });
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    expect(body).toBe("two");
  });

  it("lets both ends talk on a socket it handed over", async () => {
    const h1 = recorder("http/1.1");
    const { port } = await listen([h1]);
    const client = await dial(port);
    client.write("G");
    await until(() => h1.taken.length === 1);
    client.write("ET");
    await until(() => h1.taken[0]?.received.toString() === "GET");
    h1.taken[0]?.socket.end("bye");
    expect((await readAll(client)).toString()).toBe("bye");
  });

  it("leaves garbage to the HTTP/1.1 acceptor, which knows how to refuse it", async () => {
    const http1 = createHttpServer();
    const { port } = await listen([feeding("http/1.1", http1), recorder("h2")]);
    const client = await dial(port);
    client.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff]));
    expect((await readAll(client)).toString()).toContain("400 Bad Request");
  });

  it("answers 505 when nothing here speaks HTTP/1.1", async () => {
    const { port, listener } = await listen([recorder("h2")]);
    const client = await dial(port);
    client.write(UPGRADE);
    const answer = (await readAll(client)).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 505 /);
    expect(answer).toContain("HTTP/2 (gRPC) only");
    await until(() => listener.stats().handshakes === 0);
    expect(listener.stats()).toMatchObject({ unsupportedProtocol: 1, handedOver: 0, lost: 0 });
  });

  it("tells an HTTP/2 client that HTTP/1.1 is required", async () => {
    const { port } = await listen([recorder("http/1.1")]);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const goaway = new Promise<{ code: number; data: string }>((resolve) => {
      session.on("error", () => {});
      session.on("goaway", (code, _last, data) => resolve({ code, data: String(data) }));
    });
    expect(await goaway).toEqual({ code: 0x0d, data: "this port speaks HTTP/1.1 (WebSocket) only" });
  });
});

describe("clients that do not say what they speak", () => {
  it("cuts silence at the deadline and not before", async () => {
    const world = createVirtualRuntime({ seed: 1 });
    const { port, listener } = await listen(
      [recorder("http/1.1")],
      { admission: { handshakeTimeoutMs: 500 } },
      world.runtime,
    );
    const client = await dial(port);
    await until(() => listener.stats().handshakes === 1);
    await world.advance(499);
    expect(listener.stats()).toMatchObject({ handshakes: 1, handshakeTimeout: 0 });
    await world.advance(1);
    expect(listener.stats()).toMatchObject({ handshakes: 0, handshakeTimeout: 1, lost: 0 });
    await readAll(client);
  });

  it("does not let half a preface extend the deadline", async () => {
    const world = createVirtualRuntime({ seed: 1 });
    const { port, listener } = await listen(
      [recorder("h2")],
      { admission: { handshakeTimeoutMs: 500 } },
      world.runtime,
    );
    const client = await dial(port);
    client.write(HTTP2_PREFACE.subarray(0, 23));
    await until(() => listener.stats().handshakes === 1);
    await world.advance(500);
    expect(listener.stats().handshakeTimeout).toBe(1);
    await readAll(client);
  });

  it("holds the deadline until the session is there, and no longer", async () => {
    const world = createVirtualRuntime({ seed: 1 });
    const h1 = recorder("http/1.1");
    const { port, listener } = await listen([h1], { admission: { handshakeTimeoutMs: 500 } }, world.runtime);
    const [quick, slow] = [await dial(port), await dial(port)];
    quick.write("GET");
    slow.write("GET");
    await until(() => h1.taken.length === 2);
    listener.handshakeDone(arrivalOf(quick), "session");
    const cut = closed(slow);
    slow.resume();
    await world.advance(500);
    await cut;
    expect(listener.stats()).toMatchObject({ handshakes: 0, handshakeTimeout: 1, handedOver: 2 });
    await world.advance(60_000);
    expect(quick.destroyed).toBe(false);
    expect(world.pendingTimers).toBe(0);
  });

  it("survives a reset before anything was said, and in the middle of the preface", async () => {
    const h1 = recorder("http/1.1");
    const { port, listener } = await listen([h1, recorder("h2")]);
    for (const said of ["", "PRI * HT"]) {
      const lost = listener.stats().lost;
      const client = await dial(port);
      if (said !== "") await new Promise((resolve) => client.write(said, resolve));
      client.resetAndDestroy();
      await until(() => listener.stats().lost === lost + 1);
    }
    expect(listener.stats().handshakes).toBe(0);
    (await dial(port)).write("GET");
    await until(() => h1.taken.length === 1);
  });
});

describe("more clients than there is room for", () => {
  it("lets them wait unread, in order, and lets the next one in when a session is there", async () => {
    const h1 = recorder("http/1.1");
    const { port, listener } = await listen([h1], { admission: { maxHandshakes: 1, maxWaiting: 2 } });
    const all = [await dial(port)];
    all[0]?.write("GET /0");
    await until(() => h1.taken.length === 1);
    for (const number of [1, 2]) {
      const client = await dial(port);
      client.write(`GET /${number}`);
      all.push(client);
      await until(() => listener.stats().waiting === number);
    }
    expect(h1.taken).toHaveLength(1);
    for (const [number, client] of all.entries()) {
      await until(() => h1.taken[number]?.received.toString() === `GET /${number}`);
      listener.handshakeDone(arrivalOf(client), "session");
    }
    expect(listener.stats()).toMatchObject({ waiting: 0, handshakes: 0, handedOver: 3, admitted: 3 });
  });

  it("lets handshakes that end together become sessions one after the other, and nobody wait who is gone", async () => {
    const world = createVirtualRuntime({ seed: 1 });
    const h1 = recorder("http/1.1");
    const admission = { ratePerSecond: 10, burst: 1 };
    const { port, listener } = await listen([h1], { admission }, world.runtime);
    const all: Socket[] = [];
    for (let number = 0; number < 4; number += 1) {
      const client = await dial(port);
      client.write("GET");
      all.push(client);
      await until(() => listener.stats().waiting === 1 || h1.taken.length === number + 1);
      await world.advance(100);
      await until(() => h1.taken.length === number + 1);
    }
    const come: number[] = [];
    const [first, second, third, fourth] = all.map((client, number) =>
      listener.awaitAdmission(arrivalOf(client)).then(() => come.push(number)),
    );
    await first;
    expect(come).toEqual([0]);
    all[1]?.destroy();
    await second;
    await world.advance(99);
    expect(come).toEqual([0, 1]);
    await world.advance(1);
    await third;
    await world.advance(100);
    await fourth;
    expect(come).toEqual([0, 1, 2, 3]);
  });

  describe("a socket that carries many connections", () => {
    async function proxied(admission: Partial<AdmissionSettings>, streams: number) {
      const world = createVirtualRuntime({ seed: 1 });
      const h2 = recorder("h2");
      const { port, listener } = await listen([h2], { admission }, world.runtime);
      const proxy = await dial(port);
      proxy.write(HTTP2_PREFACE);
      await until(() => h2.taken.length === 1);
      const decided: (readonly [number, AdmissionDecision])[] = [];
      const arrivals = Array.from({ length: streams }, () => arrivalOf(proxy));
      for (const [number, handshake] of arrivals.entries())
        void listener.awaitAdmission(handshake).then((turn) => {
          decided.push([number, turn]);
          return listener.handshakeDone(handshake, "session");
        });
      return { world, listener, proxy, arrivals, decided };
    }
    const comes = (...numbers: number[]) => numbers.map((number) => [number, { kind: "proceed" }]);

    it("gets no more of them in than as many sockets would", async () => {
      const { world, listener, proxy, decided } = await proxied({ ratePerSecond: 10, burst: 1 }, 4);
      await world.advance(0);
      expect(decided).toEqual(comes(0));
      for (const seen of [2, 3, 4]) {
        await world.advance(100);
        expect(decided).toHaveLength(seen);
      }
      expect(decided).toEqual(comes(0, 1, 2, 3));
      expect(listener.stats()).toMatchObject({ waiting: 0, handshakes: 0, admitted: 4, refused: 0 });
      await world.advance(60_000);
      expect(proxy.destroyed).toBe(false);
      expect(world.pendingTimers).toBe(0);
    });

    it("has those refused, each with a slot, that find the line full or stand in it too long, and is not cut", async () => {
      const admission = { ratePerSecond: 1, burst: 1, maxWaiting: 2, maxWaitMs: 1_500 };
      const { world, listener, proxy, decided } = await proxied(admission, 4);
      await world.advance(0);
      expect(decided).toHaveLength(2);
      expect(decided[1]).toMatchObject([3, { kind: "refused" }]);
      await world.advance(1_500);
      const waits = decided.flatMap(([, turn]) => (turn.kind === "refused" ? [turn.retryAfterMs] : []));
      expect(waits).toHaveLength(2);
      expect(decided.map(([number]) => number)).toEqual([0, 3, 1, 2]);
      for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1_000);
      await world.advance(60_000);
      expect(listener.stats()).toMatchObject({ waiting: 0, handshakes: 0, admitted: 2, refused: 2 });
      expect(proxy.destroyed).toBe(false);
      expect(world.pendingTimers).toBe(0);
    });

    it("loses nothing of a place that is given up", async () => {
      const { world, listener, arrivals, decided } = await proxied({ ratePerSecond: 1, burst: 1 }, 3);
      await world.advance(0);
      const [, second] = arrivals;
      expect(second && listener.handshakeDone(second, "session")).toMatchObject({ handshakeMs: 0 });
      await world.advance(1_000);
      expect(decided).toEqual(comes(0, 1, 2));
      expect(listener.stats()).toMatchObject({ waiting: 0, handshakes: 0, admitted: 2 });
      await world.advance(60_000);
      expect(world.pendingTimers).toBe(0);
    });
  });

  it("tells those beyond the line when to come back, through their acceptor, one slot after the other", async () => {
    const h1 = recorder("http/1.1");
    const admission = { ratePerSecond: 10, burst: 1, maxHandshakes: 1, maxWaiting: 0 };
    const { port, listener } = await listen([h1], { admission });
    (await dial(port)).write("GET");
    await until(() => h1.taken.length === 1);
    for (const number of [1, 2]) {
      (await dial(port)).write("GET");
      await until(() => h1.taken.length === 1 + number);
    }
    const [, first, second] = h1.taken.map(({ info }) => info.refusal?.retryAfterMs);
    // Not before 250 ms, then a tenth of a second for each; some real time passes between the two.
    expect(first).toBeGreaterThanOrEqual(249.999);
    expect((second ?? 0) - (first ?? 0)).toBeLessThanOrEqual(100.001);
    expect(second).toBeGreaterThanOrEqual(249.999);
    expect(listener.stats()).toMatchObject({ refused: 2, refusing: 2, handedOver: 1 });
  });

  it("tells one after the other when the number told at once is bounded, and has room again when one has gone", async () => {
    const h1 = recorder("http/1.1");
    const admission = { maxHandshakes: 2, maxWaiting: 0, maxRefusing: 1 };
    const { port, listener } = await listen([h1], { admission });
    const first = await dial(port);
    await dial(port);
    await until(() => listener.stats().handshakes === 2);
    const told = await dial(port);
    await until(() => listener.stats().refusing === 1);
    const next = await dial(port);
    await until(() => listener.stats().waiting === 1);
    told.destroy();
    await until(() => listener.stats().waiting === 0);
    expect(listener.stats()).toMatchObject({ handshakes: 2, refusing: 1, refused: 2, overCapacity: 0 });
    next.destroy();
    first.destroy();
    await until(() => listener.stats().handshakes === 1);
    (await dial(port)).write("GET");
    await until(() => h1.taken.length === 1);
    expect(listener.stats()).toMatchObject({ handshakes: 2, overCapacity: 0, handedOver: 1 });
  });

  it("takes other settings while it runs, and refuses those that cannot work", async () => {
    const h1 = recorder("http/1.1");
    const { port, listener } = await listen([h1], { admission: { maxHandshakes: 1, maxWaiting: 5 } });
    (await dial(port)).write("GET");
    (await dial(port)).write("GET");
    await until(() => listener.stats().waiting === 1);
    expect(() => listener.configure({ ratePerSecond: 0 })).toThrow("admission.ratePerSecond");
    listener.configure({ maxHandshakes: 2 });
    await until(() => h1.taken.length === 2);
  });
});

describe("start and stop", () => {
  it("says port_in_use with the address and what to change, and can be started later", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const listener = createListener({ port }, { runtime: systemRuntime(), acceptors: [] });
    cleanups.push(() => listener.stop());
    await expect(listener.start()).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:${port} .*listen\\.port`)),
    });
    other.close();
    await once(other, "close");
    expect(await listener.start()).toEqual({ host: "127.0.0.1", port });
  });

  it("says address_unavailable for an address of another machine", async () => {
    // TEST-NET-1 (RFC 5737) belongs to nobody.
    const listener = createListener(
      { port: 0, host: "192.0.2.1" },
      { runtime: systemRuntime(), acceptors: [] },
    );
    await expect(listener.start()).rejects.toMatchObject({ code: "address_unavailable" });
  });

  it("refuses options that cannot work, by name", () => {
    const parts = { runtime: systemRuntime(), acceptors: [] };
    for (const [options, named] of [
      [{ port: 65_536 }, "listen.port"],
      [{ port: -1 }, "listen.port"],
      [{ port: 1.5 }, "listen.port"],
      [{ port: 0, host: "" }, "listen.host"],
      [{ port: 0, admission: { handshakeTimeoutMs: 0 } }, "admission.handshakeTimeoutMs"],
      [{ port: 0, admission: { burst: 0.5 } }, "admission.burst"],
      [{ port: 0, admission: { maxWaiting: -1 } }, "admission.maxWaiting"],
      [{ port: 0, tls: { cert: "no", key: "no" } }, "listen.tls"],
    ] as const) {
      expect(() => createListener(options, parts)).toThrow(named);
    }
  });

  it("stops: frees the port, cuts those not handed over and leaves the others alone", async () => {
    const h1 = recorder("http/1.1");
    const { port, listener } = await listen([h1]);
    const talking = await dial(port);
    talking.write("GET");
    await until(() => h1.taken.length === 1);
    const silent = await dial(port);
    await until(() => listener.stats().handshakes === 2);

    await listener.stop();
    await readAll(silent);
    talking.write(" /");
    await until(() => h1.taken[0]?.received.toString() === "GET /");

    await listener.stop();
    const again = await listen([h1], { port });
    expect(again.port).toBe(port);
  });

  it("does not listen when it is stopped while it starts", async () => {
    const listener = createListener(
      { port: 0, host: "localhost" },
      { runtime: systemRuntime(), acceptors: [] },
    );
    const starting = listener.start();
    const refused = expect(starting).rejects.toMatchObject({ code: "aborted" });
    await listener.stop();
    await refused;
  });
});

describe("descriptors", () => {
  it("beyond its share, sockets are closed when they come, with one line; below, they are not", async () => {
    const lines: string[] = [];
    const runtime = systemRuntime(entryLogger("info", (entry) => lines.push(JSON.stringify(entry))));
    const spent = await listen([recorder("http/1.1")], { maxDescriptor: 3 }, runtime);
    for (let n = 0; n < 5; n += 1) await closed(connect(spent.port, spent.host).on("error", () => {}));
    expect(spent.listener.stats()).toMatchObject({ outOfDescriptors: 5, unauthenticated: 0 });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "error", maxDescriptor: 3 });

    const acceptor = recorder("http/1.1");
    const free = await listen([acceptor], { maxDescriptor: 1_000_000 }, runtime);
    (await dial(free.port)).write(UPGRADE);
    await until(() => acceptor.taken.length === 1);
    expect(free.listener.stats()).toMatchObject({ outOfDescriptors: 0, handedOver: 1 });
  });
});

describe("a fault of this side", () => {
  it("ends the socket it happened to, and no other", async () => {
    const h1 = recorder("http/1.1");
    let sockets = 0;
    const faulty: Acceptor = {
      ...h1,
      accept: (socket, info) => {
        sockets += 1;
        if (sockets === 1) throw new Error("a fault of the acceptor");
        h1.accept(socket, info);
      },
    };
    const { port } = await listen([faulty]);
    const [unlucky, well] = [await dial(port), await dial(port)];
    unlucky.resume();
    unlucky.write("GET /");
    await closed(unlucky);
    well.write("GET /well");
    await until(() => h1.taken.length === 1);
  });
});

it("refuses a second start by name, and goes on", async () => {
  const listener = createListener(
    { port: 0 },
    { runtime: systemRuntime(), acceptors: [recorder("http/1.1")] },
  );
  cleanups.push(() => listener.stop());
  const { port } = await listener.start();
  await expect(listener.start()).rejects.toMatchObject({ code: "invalid_state" });
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => void socket.destroy());
  await once(socket, "connect");
});
