import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { protobufBatchCodec } from "@hawser/protocol";
import type { ConnectionEnd } from "@hawser/transport";
import { expect, it, onTestFinished } from "vitest";
import { framed } from "./testing/frames.js";
import { createGrpcDialer } from "./index.js";

const HEADERS = 1;
const SETTINGS = http2Frame(4, 0, 0, Buffer.alloc(0));

/** RFC 9113, section 4.1. */
function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function data(id: string): Buffer {
  const event = { specversion: "1.0", id, source: "/test", type: "com.example.v1" } as const;
  return http2Frame(0, 0, 1, framed(protobufBatchCodec.encode([event])));
}

/** Answers the first stream with these bytes in one piece, and then ends the socket. */
async function serveBytes(answer: Buffer): Promise<string> {
  const server = createServer((socket: Socket) => {
    let read = Buffer.alloc(0);
    let isAnswered = false;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      if (isAnswered || !hasHeaders(read)) return;
      isAnswered = true;
      socket.end(answer);
    });
    socket.write(SETTINGS);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function hasHeaders(read: Buffer): boolean {
  const preface = 24;
  for (let at = preface; at + 9 <= read.length; at += 9 + read.readUIntBE(at, 3))
    if (read.readUInt8(at + 3) === HEADERS) return true;
  return false;
}

// Node.js 20 stops reading there without a word, so that not even the end of the socket is noticed; later ones tell of it.
it("a connection is lost within two ping intervals where HTTP/2 met a bad frame in what it had kept for later", async () => {
  // `:status: 200`, then `content-type: application/grpc` as a literal (RFC 7541, section 6.2.2).
  const head = Buffer.concat([
    Buffer.from([0x88, 0, 12]),
    Buffer.from("content-type"),
    Buffer.from([16]),
    Buffer.from("application/grpc"),
  ]);
  // A length above what any frame may have. It is met only when the reader takes the second message.
  const bad = Buffer.from("12121a106170706c69", "hex");
  const answer = [SETTINGS, http2Frame(HEADERS, 4, 1, head), data("1"), data("2"), bad];
  const target = await serveBytes(Buffer.concat(answer));
  const connection = await createGrpcDialer({ url: `grpc://${target}`, keepAliveIntervalMs: 50 }).dial();
  const end = await new Promise<ConnectionEnd>((resolve) => {
    connection.open({ message: () => {}, writable: () => {}, ended: resolve });
  });
  if (end.kind !== "lost") throw new Error(`it was ${end.kind}`);
  expect(["timeout", "connection_closed"]).toContain(end.error.code);
});
