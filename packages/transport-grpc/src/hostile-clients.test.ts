import { once } from "node:events";
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ServerHttp2Stream,
} from "node:http2";
import { connect, createServer, type AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { Client, credentials } from "@grpc/grpc-js";
import {
  CLOSE_EVENT_TYPE,
  encodeClose,
  HawserError,
  LIMITS,
  parseClose,
  protobufBatchCodec,
  type CloudEvent,
} from "@hawser/protocol";
import { systemTimers } from "@hawser/runtime";
import type { Connection, ConnectionEnd } from "@hawser/transport";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";
import { framed, unframed } from "./testing/frames.js";

const HEADERS = { ":method": "POST", ":path": CONNECT_PATH, "content-type": "application/grpc" } as const;

interface Heard {
  readonly connection: Connection;
  readonly ids: string[];
  readonly end: Promise<ConnectionEnd>;
}

const event = (id: string): CloudEvent => ({
  specversion: "1.0",
  id,
  source: "/test",
  type: "com.example.v1",
});

const batchOf = (...events: readonly CloudEvent[]): Buffer => framed(protobufBatchCodec.encode(events));

function hear(connection: Connection): Heard {
  const ids: string[] = [];
  const end = new Promise<ConnectionEnd>((resolve) => {
    connection.open({ message: ({ id }) => ids.push(id), writable: () => {}, ended: resolve });
  });
  return { connection, ids, end };
}

let port = 0;
let accepted: Heard[] = [];
let cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  accepted = [];
  cleanups = [];
  const acceptor = createGrpcAcceptor({ handshakeTimeoutMs: 200, keepAliveIntervalMs: 50 });
  await acceptor.start((connection) => accepted.push(hear(connection)));
  const listener = createServer((socket) =>
    acceptor.accept(socket, { address: "somewhere:1", certificate: { kind: "usable", names: ["agent-7"] } }),
  );
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  ({ port } = listener.address() as AddressInfo);
  cleanups.push(
    () => new Promise((resolve) => listener.close(resolve)),
    () => acceptor.stop(),
  );
});

afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

function openSession(): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  cleanups.push(() => session.destroy());
  return session;
}

async function openStream(session = openSession(), headers: Record<string, string> = {}) {
  const stream = session.request({ ...HEADERS, ...headers });
  stream.on("error", () => {});
  const close = closeSaidOn(stream);
  await once(stream, "response");
  const server = accepted.at(-1);
  if (server === undefined) throw new Error("nothing was accepted");
  return { stream, server, close };
}

/** The code of the close event that the server sends last. */
function closeSaidOn(stream: ClientHttp2Stream): Promise<number> {
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const events = unframed(received).flatMap((message) => protobufBatchCodec.decode(message));
      const close = events.find(({ type }) => type === CLOSE_EVENT_TYPE);
      if (close !== undefined) resolve(parseClose(close).code);
    });
  });
}

async function trailersOf(stream: ClientHttp2Stream): Promise<unknown> {
  const [trailers] = (await once(stream, "trailers")) as [unknown];
  return trailers;
}

describe("requests that are no stream of this method", () => {
  it.each([
    ["another method", { ":path": "/hawser.v1.Hawser/Other" }, { "grpc-status": "12", ":status": 200 }],
    ["another content type", { "content-type": "application/json" }, { ":status": 415 }],
    ["GET", { ":method": "GET" }, { ":status": 405 }],
  ])("%s is refused", async (_name, headers, expected) => {
    const stream = openSession().request({ ...HEADERS, ...headers });
    const [response] = (await once(stream, "response")) as [unknown];
    expect(response).toMatchObject(expected);
    expect(accepted).toEqual([]);
  });

  it.each(["gzip", "deflate", "identity, gzip", "br"])(
    "messages in %s are refused, and what is to be used is named; what they would inflate to is never seen",
    async (encoding) => {
      const stream = openSession().request({ ...HEADERS, "grpc-encoding": encoding });
      stream.on("error", () => {});
      const bomb = gzipSync(Buffer.alloc(LIMITS.maxFrameBytes));
      expect(bomb.length).toBeLessThan(LIMITS.maxHelloBytes);
      const compressed = framed(bomb);
      compressed[0] = 1;
      stream.end(compressed);
      expect((await once(stream, "response"))[0]).toMatchObject({
        ":status": 200,
        "grpc-status": "12",
        "grpc-accept-encoding": "identity",
      });
      expect(accepted).toEqual([]);
    },
  );

  it("a client of grpc-js that compresses hears why, and not that its payload is bad", async () => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.default_compression_algorithm": 2,
    });
    cleanups.push(() => client.close());
    const unchanged = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest(CONNECT_PATH, unchanged, unchanged);
    const status = new Promise((resolve) => call.on("status", resolve));
    call.on("error", () => {});
    call.resume();
    call.write(Buffer.from(protobufBatchCodec.encode([{ ...event("1"), data: "a".repeat(2000) }])));
    call.end();
    expect(await status).toMatchObject({
      code: 12,
      details: "Messages must not be compressed; leave grpc-encoding out.",
    });
    expect(accepted).toEqual([]);
  });

  it("no compression is offered to who is let in, and identity may be named", async () => {
    const stream = openSession().request({ ...HEADERS, "grpc-encoding": "identity" });
    stream.on("error", () => {});
    expect((await once(stream, "response"))[0]).toMatchObject({ "grpc-accept-encoding": "identity" });
    stream.end();
    expect(await accepted[0]?.end).toMatchObject({ kind: "closed", code: 1000 });
  });

  it("a header that grpc-js cannot read is not written to standard error", async () => {
    const written = [vi.spyOn(console, "error"), vi.spyOn(process.stderr, "write")];
    cleanups.push(() => written.forEach((spy) => spy.mockRestore()));
    const { server, stream } = await openStream(openSession(), { "x-forged": "secret \u00e9" });
    stream.end();
    await server.end;
    for (const spy of written) expect(spy).not.toHaveBeenCalled();
  });

  it("garbage after the preface closes that socket and no other", async () => {
    const healthy = await openStream();
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"garbage ".repeat(100)}`);
    await once(socket, "close");
    healthy.stream.write(batchOf(event("still here")));
    await expect.poll(() => healthy.server.ids).toEqual(["still here"]);
  });
});

describe("streams that break the rules", () => {
  it("a message that says it is compressed, and is not, is refused with 1007", async () => {
    const { stream, server, close } = await openStream();
    stream.write(Buffer.from([1, 0, 0, 0, 1, 0]));
    expect(await close).toBe(1007);
    stream.end();
    expect(await trailersOf(stream)).toMatchObject({ "hawser-close-code": "1007", "grpc-status": "3" });
    expect(await server.end).toMatchObject({ kind: "closed", code: 1007, clean: false, by: "local" });
  });

  it("a message far above the limit is refused by its announced length, before its bytes have come", async () => {
    const { stream, server } = await openStream();
    const header = Buffer.alloc(5);
    header.writeUInt32BE(2 * LIMITS.maxFrameBytes, 1);
    stream.write(header);
    expect(await trailersOf(stream)).toMatchObject({ "grpc-status": "8" });
    expect(await server.end).toMatchObject({ kind: "closed", code: 1009, by: "local" });
  });

  it("before the welcome, the parts of a message are kept up to the size of a hello and no further", async () => {
    const { stream, server } = await openStream();
    const header = Buffer.alloc(5);
    header.writeUInt32BE(LIMITS.maxFrameBytes, 1);
    stream.write(Buffer.concat([header, Buffer.alloc(3 * LIMITS.maxHelloBytes)]));
    expect(await trailersOf(stream)).toMatchObject({ "hawser-close-code": "1009", "grpc-status": "8" });
    expect(await server.end).toMatchObject({ kind: "closed", code: 1009, by: "local" });
  });

  it("an end in the middle of a message is not clean", async () => {
    const { stream, server } = await openStream();
    stream.end(Buffer.from([0, 0, 0]));
    expect(await trailersOf(stream)).toMatchObject({ "hawser-close-code": "1007" });
    expect(await server.end).toMatchObject({ kind: "closed", code: 1007, clean: false });
  });

  it("a close event without a code is refused with 1002", async () => {
    const { stream, server, close } = await openStream();
    stream.write(batchOf({ ...event("x"), type: CLOSE_EVENT_TYPE }));
    expect(await close).toBe(1002);
    stream.end();
    expect(await trailersOf(stream)).toMatchObject({ "hawser-close-code": "1002" });
    expect(await server.end).toMatchObject({ kind: "closed", code: 1002 });
  });

  it("a reset stream is lost, and its sibling on the same HTTP/2 connection is not", async () => {
    const session = openSession();
    const [first, second] = [await openStream(session), await openStream(session)];
    first.stream.close(8);
    expect(await first.server.end).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
    second.stream.end(batchOf(event("sibling")));
    expect(await second.server.end).toEqual({
      kind: "closed",
      clean: true,
      code: 1000,
      reason: "",
      by: "peer",
    });
    expect(second.server.ids).toEqual(["sibling"]);
  });
});

it("a connection that is cut, the last one of its socket, leaves the status of its neighbour on its way", async () => {
  const session = openSession();
  const [neighbour, last] = [await openStream(session), await openStream(session)];
  neighbour.stream.write(framed(Buffer.from("no batch")));
  expect(await neighbour.server.end).toMatchObject({ kind: "closed" });
  expect(await neighbour.close).toBe(1007);
  const status = Promise.race([trailersOf(neighbour.stream), once(neighbour.stream, "close")]);
  const gone = once(last.stream, "close");
  last.server.connection.terminate(new HawserError("aborted", "enough"));
  await gone;
  const left = once(session, "close");
  neighbour.stream.end();
  expect(await status).toMatchObject({ "grpc-status": expect.any(String) });
  // Nothing uses the socket any more.
  await left;
});

describe("a reset while a write is under way that the peer does not read", () => {
  /** More than flow control lets through unread. */
  const large: CloudEvent = { ...event("large"), data: "x".repeat(300_000) };

  it.each([
    ["NO_ERROR", 0],
    ["CANCEL", 8],
  ])("by the client with %s: lost at once", async (_name, code) => {
    const session = openSession();
    const stream = session.request(HEADERS);
    stream.on("error", () => {});
    await once(stream, "response");
    accepted[0]?.connection.send(large);
    await once(stream, "readable");
    stream.close(code);
    expect(await accepted[0]?.end).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
  });

  it("by the server: lost at once", async () => {
    const http2 = createHttp2Server();
    http2.on("stream", (served) => {
      // With trailers to come, Node.js does not end the stream of its own accord before it resets.
      served.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
      served.on("error", () => {});
      served.once("readable", () => served.close(8));
    });
    http2.listen(0, "127.0.0.1");
    await once(http2, "listening");
    cleanups.push(() => http2.close());
    const url = `grpc://127.0.0.1:${(http2.address() as AddressInfo).port}`;
    const agent = hear(await createGrpcDialer({ url, keepAliveIntervalMs: 0 }).dial());
    agent.connection.send(large);
    expect(await agent.end).toMatchObject({ kind: "lost", error: { code: "connection_closed" } });
  });
});

it("where both close at once, the client's code is what the server learns", async () => {
  const { stream, server } = await openStream();
  server.connection.close(1001, "draining");
  const close = encodeClose({ code: 4001, reason: "silence" }, { id: "1", source: "/test" });
  stream.end(batchOf(close));
  expect(await server.end).toEqual({
    kind: "closed",
    clean: false,
    code: 4001,
    reason: "silence",
    by: "peer",
  });
});

it("an HTTP/2 connection without a stream is cut, one with a stream is not", async () => {
  const [idle, busy] = [openSession(), openSession()];
  const { stream } = await openStream(busy);
  await once(idle, "close");
  expect(busy.closed).toBe(false);
  stream.end();
  await once(busy, "close");
});

it.each([
  ["another method", { ":path": "/hawser.v1.Hawser/Other" }, 200],
  ["another content type", { "content-type": "application/json" }, 415],
])(
  "a stream refused for %s, which its client never ends, does not keep the HTTP/2 connection",
  async (...row) => {
    const [, headers, status] = row;
    const session = openSession();
    const stream = session.request({ ...HEADERS, ...headers });
    stream.on("error", () => {});
    stream.resume();
    const closed = once(session, "close");
    expect((await once(stream, "response"))[0]).toMatchObject({ ":status": status });
    await closed;
    expect(accepted).toEqual([]);
  },
);

it("an HTTP/2 connection may have two streams, and more once one of them is trusted", async () => {
  const session = openSession();
  const { server } = await openStream(session);
  expect(session.remoteSettings.maxConcurrentStreams).toBe(2);
  server.connection.trust();
  await once(session, "remoteSettings");
  expect(session.remoteSettings.maxConcurrentStreams).toBe(16);
});

it("tells what has left of one large event, and takes nothing else on its socket for that", async () => {
  const session = openSession();
  const { server, stream } = await openStream(session);
  server.connection.trust();
  stream.pause();
  server.connection.send({ ...event("large"), data: "x".repeat(900_000) });
  const { bufferedBytes } = server.connection;
  // As much as the client grants to begin with: it depends on its release of Node.
  await expect.poll(() => server.connection.sentBytes).toBeGreaterThanOrEqual(65_535);
  const granted = server.connection.sentBytes;
  expect(granted).toBeLessThan(300_000);
  for (let n = 0; n < 100; n += 1) stream.write(batchOf(event(String(n))));
  await expect.poll(() => server.ids.length).toBeGreaterThanOrEqual(100);
  expect(server.connection.sentBytes).toBe(granted);
  stream.resume();
  await expect.poll(() => server.connection.bufferedBytes).toBe(0);
  expect(bufferedBytes).toBeGreaterThan(900_000);
  expect(server.connection.sentBytes).toBeGreaterThan(800_000);
  await openStream(session);
  expect(server.connection.sentBytes).toBeUndefined();
});

it("counts what has come of a message that is under way, of each stream by itself", async () => {
  const session = openSession();
  const [one, other] = [await openStream(session), await openStream(session)];
  const message = batchOf(event("1"));
  const before = one.server.connection.receivedBytes;
  one.stream.write(message.subarray(0, 20));
  await expect.poll(() => one.server.connection.receivedBytes).toBe(20);
  expect([before, other.server.connection.receivedBytes]).toEqual([0, 0]);
  expect(one.server.ids).toEqual([]);
});

it("counts at the dialling end what has come of a message that is under way", async () => {
  const server = createHttp2Server();
  cleanups.push(() => server.close());
  const streams: ServerHttp2Stream[] = [];
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
    streams.push(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: at } = server.address() as AddressInfo;
  const connection = await createGrpcDialer({ url: `grpc://127.0.0.1:${at}` }).dial();
  cleanups.push(() => connection.terminate(new HawserError("aborted", "the test is over")));
  const { ids } = hear(connection);
  await expect.poll(() => streams.length).toBe(1);
  const before = connection.receivedBytes ?? 0;
  const most = { ...event("1"), data: "x".repeat(100_000) };
  streams[0]?.write(batchOf(most).subarray(0, 40_000));
  await expect.poll(() => (connection.receivedBytes ?? 0) - before).toBeGreaterThanOrEqual(40_000);
  expect(ids).toEqual([]);
});

it("a client that is refused again and again is cut like one that asks for nothing", async () => {
  const session = openSession();
  const closed = once(session, "close");
  const ask = (): void => {
    if (session.destroyed) return;
    const stream = session.request({ ...HEADERS, ":path": "/hawser.v1.Hawser/Other" });
    stream.on("error", () => {});
    stream.resume();
    systemTimers.after(50, ask);
  };
  ask();
  await closed;
});

it("knows the peer by what the listener and the metadata say", async () => {
  const { server } = await openStream(openSession(), { authorization: "Bearer secret" });
  expect(server.connection.peer).toEqual({
    address: "somewhere:1",
    authorization: "Bearer secret",
    certificate: { kind: "usable", names: ["agent-7"] },
  });
});

it("takes the authorization for each dial anew", async () => {
  let calls = 0;
  const dialer = createGrpcDialer({
    url: `grpc://127.0.0.1:${port}`,
    authorization: () => `Bearer ${(calls += 1)}`,
  });
  for (const expected of ["Bearer 1", "Bearer 2"]) {
    const client = hear(await dialer.dial());
    await expect.poll(() => accepted.at(-1)?.connection.peer.authorization).toBe(expected);
    client.connection.close(1000, "");
    await client.end;
  }
});
