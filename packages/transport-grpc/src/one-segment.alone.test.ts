import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONNECT_PATH, createGrpcAcceptor, createGrpcDialer } from "./index.js";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const END_HEADERS = 0x4;
const END_STREAM = 0x1;

/** One HTTP/2 frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A literal header field without indexing (RFC 7541, section 6.2.2). */
const field = (name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);

const PATHS = ["/hawser.v1.Hawser/Connect", "/hawser.v1.Hawser/Other", "/"];
const METHODS = ["POST", "GET"];

const request = (path: string, method: string, more: readonly Buffer[] = [], flags = END_HEADERS): Buffer =>
  frame(
    1,
    flags,
    1,
    Buffer.concat([
      field(":method", method),
      field(":scheme", "http"),
      field(":authority", "localhost"),
      field(":path", path),
      field("content-type", "application/grpc"),
      ...more,
    ]),
  );

/** What makes either side reset the stream while the packet that opened it is still being read. */
const SPOILERS: readonly (readonly [string, (path: string, method: string) => readonly Buffer[]])[] = [
  ["RST_STREAM", (path, method) => [request(path, method), frame(3, 0, 1, Buffer.from([0, 0, 0, 8]))]],
  ["WINDOW_UPDATE of 0", (path, method) => [request(path, method), frame(8, 0, 1, Buffer.alloc(4))]],
  [
    "DATA beyond content-length",
    (path, method) => [
      request(path, method, [field("content-length", "1")]),
      frame(0, END_STREAM, 1, Buffer.from("too long")),
    ],
  ],
  [
    "HEADERS after the end of the stream",
    (path, method) => [request(path, method, [], END_HEADERS | END_STREAM), request(path, method)],
  ],
  ["GOAWAY", (path, method) => [request(path, method), frame(7, 0, 0, Buffer.alloc(8))]],
  ["a connection error", (path, method) => [request(path, method), frame(0, 0, 0, Buffer.from("no"))]],
  [
    "a hundred streams, each reset",
    (path, method) =>
      Array.from({ length: 100 }, (_, n) => {
        const opening = request(path, method);
        opening.writeUInt32BE(2 * n + 1, 5);
        return Buffer.concat([opening, frame(3, 0, 2 * n + 1, Buffer.from([0, 0, 0, 8]))]);
      }),
  ],
  ["the end of the socket", (path, method) => [request(path, method)]],
];

let port = 0;
let uncaught: unknown[] = [];
let cleanups: (() => unknown)[] = [];
const note = (error: unknown): void => void uncaught.push(error);

beforeEach(async () => {
  uncaught = [];
  process.on("uncaughtException", note);
  const acceptor = createGrpcAcceptor({ handshakeTimeoutMs: 200 });
  await acceptor.start((connection) => {
    connection.open({ message: (event) => connection.send(event), writable: () => {}, ended: () => {} });
  });
  // As the front listener does: what was read to tell the protocol is put back, so HTTP/2 gets the whole packet in one piece.
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
    const onReadable = (): void => {
      const first: unknown = socket.read();
      if (!Buffer.isBuffer(first)) return;
      socket.off("readable", onReadable);
      socket.unshift(first);
      acceptor.accept(socket, { address: "somewhere:1" });
    };
    socket.on("readable", onReadable);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  ({ port } = listener.address() as AddressInfo);
  cleanups = [
    () => process.off("uncaughtException", note),
    () => new Promise((resolve) => listener.close(resolve)),
    () => acceptor.stop(),
  ];
});

afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
});

/** Proves that a connection of somebody else carries events both ways. */
async function neighbourIsWell(): Promise<void> {
  const connection = await createGrpcDialer({ url: `grpc://127.0.0.1:${port}` }).dial();
  const answer = new Promise<string>((resolve) => {
    connection.open({ message: ({ id }) => resolve(id), writable: () => {}, ended: () => {} });
  });
  connection.send({ specversion: "1.0", id: "still here", source: "/test", type: "com.example.v1" });
  expect(await answer).toBe("still here");
  connection.close(1000, "");
}

describe.each(SPOILERS)("a stream that is opened and spoilt in one packet: %s", (how, framesOf) => {
  it.each(PATHS.flatMap((path) => METHODS.map((method) => [path, method] as const)))(
    "%s %s ends nothing but itself",
    async (path, method) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      await once(socket, "connect");
      const packet = Buffer.concat([PREFACE, frame(4, 0, 0), ...framesOf(path, method)]);
      if (how === "the end of the socket") socket.end(packet);
      else socket.write(packet);
      // A packet is read in one go, so by the time of two round trips of somebody else it has done all that it does.
      await neighbourIsWell();
      await neighbourIsWell();
      socket.destroy();
      expect(uncaught).toEqual([]);
    },
  );
});

it.each([
  [16, false],
  [17, true],
])("a client that does nothing but reset %i streams as it opens them: cut %s", async (count, isCut) => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {});
  let heard = "";
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString("latin1")));
  let isClosed = false;
  socket.once("close", () => (isClosed = true));
  socket.write(Buffer.concat([PREFACE, frame(4, 0, 0)]));
  for (let n = 0; n < count; n += 1) {
    const opening = request(CONNECT_PATH, "POST");
    opening.writeUInt32BE(2 * n + 1, 5);
    const reset = frame(3, 0, 2 * n + 1, Buffer.from([0, 0, 0, 8]));
    const ping = `ping ${String(n).padStart(3)}`;
    socket.write(Buffer.concat([opening, reset, frame(6, 0, 0, Buffer.from(ping))]));
    // The next in a segment of its own, so that each comes to HTTP/2 as a whole.
    await expect.poll(() => isClosed || heard.includes(ping), { interval: 1 }).toBe(true);
  }
  await neighbourIsWell();
  await neighbourIsWell();
  expect(isClosed).toBe(isCut);
  socket.destroy();
});
