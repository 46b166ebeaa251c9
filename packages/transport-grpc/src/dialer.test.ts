import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { MAX_UNIX_PATH_BYTES } from "@hawser/runtime";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createGrpcDialer } from "./index.js";

describe("the target", () => {
  it.each(["principal.example:7480", "127.0.0.1:1", "[::1]:65535", "unix:/run/a.sock", "unix:///run/a.sock"])(
    "may be %s",
    (target) => {
      expect(createGrpcDialer({ target }).transport).toBe("grpc");
    },
  );

  it.each([
    ["principal.example", "must be host:port or unix:/path"],
    ["principal.example:0", "must be host:port"],
    ["grpc://principal.example:1", "must be host:port"],
    ["unix:run/a.sock", "must be absolute"],
    ["unix://run/a.sock", "must be absolute"],
    [`unix:/${"a".repeat(MAX_UNIX_PATH_BYTES)}`, `is ${MAX_UNIX_PATH_BYTES + 1} bytes long`],
  ])("may not be %s: %s", (target, message) => {
    expect(() => createGrpcDialer({ target })).toThrow(message);
  });

  it("that nobody listens on is named in the error", async () => {
    await expect(createGrpcDialer({ target: "unix:/no/such.sock" }).dial()).rejects.toMatchObject({
      code: "connection_failed",
      message: expect.stringContaining("unix:/no/such.sock"),
    });
  });
});

it("leaves nothing that tries again behind a dial that failed", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const server = createServer((socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(createGrpcDialer({ target: `127.0.0.1:${port}` }).dial()).rejects.toMatchObject({
    code: "connection_failed",
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(vi.getTimerCount()).toBe(0);
});
