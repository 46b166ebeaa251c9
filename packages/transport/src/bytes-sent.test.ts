import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { beforeEach, expect, test, vi } from "vitest";
import { bytesSentBy } from "./bytes-sent.js";
import { portOf } from "./compliance/tcp-proxy.js";

/** More than the buffers of two kernels hold. */
const MUCH = 32 * 1024 * 1024;
const SOME = 8 * 1024 * 1024;

let server: Server;
let sender: Socket;
let receiver: Socket;

beforeEach(async () => {
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  receiver = connect(portOf(server), "127.0.0.1");
  [sender] = (await accepted) as [Socket];
  return async () => {
    receiver.destroy();
    sender.destroy();
    server.close();
    await once(server, "close");
  };
});

test("it grows while a single large write is under way, which the stream itself does not tell", async () => {
  sender.write(Buffer.alloc(MUCH));
  receiver.pause();
  let read = 0;
  receiver.on("data", (chunk: Buffer) => {
    read += chunk.length;
    if (read > SOME) receiver.pause();
  });
  const before = bytesSentBy(sender) ?? Number.NaN;
  receiver.resume();
  await vi.waitFor(() => expect(read).toBeGreaterThan(SOME), { interval: 5 });
  await vi.waitFor(() => expect(bytesSentBy(sender)).toBeGreaterThan(before), { interval: 5 });
  expect(bytesSentBy(sender)).toBeGreaterThanOrEqual(read);
  expect(bytesSentBy(sender)).toBeLessThan(MUCH);
  expect(sender.writableLength).toBe(MUCH);
});

test("nobody counts what passes through a stream of this process, or a socket that is gone", () => {
  expect(bytesSentBy(new PassThrough())).toBeUndefined();
  sender.destroy();
  expect(bytesSentBy(sender)).toBeUndefined();
});
