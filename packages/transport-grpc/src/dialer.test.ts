import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { MAX_UNIX_PATH_BYTES } from "@hawser/runtime";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createGrpcDialer } from "./index.js";

describe("the URL", () => {
  it.each([
    "grpc://principal.example:7480",
    "grpcs://127.0.0.1:1",
    "grpc://[::1]:65535",
    "grpc://principal.example:7480/hawser/",
    "grpc+unix:/run/a.sock",
    "grpc+unix:///run/a.sock",
  ])("may be %s", (url) => {
    expect(createGrpcDialer({ url }).transport).toBe("grpc");
  });

  it.each([
    ["127.0.0.1:7480", "write grpc://host:port"],
    ["principal.example:7480", "write grpc://host:port"],
    ["http://principal.example:7480", "begin with grpc:// instead of http:"],
    ["https://principal.example:7480", "begin with grpcs:// instead of https:"],
    ["wss://principal.example:7480", "begin with grpcs:// instead of wss:"],
    ["unix:/run/a.sock", "begin with grpc+unix: instead of unix:"],
    ["grpc://principal.example", "must name a host and a port"],
    ["grpc://principal.example:0", "must name a host and a port"],
    ["grpc://a:b@principal.example:1", "must not hold credentials"],
    ["grpc://principal.example:1/?a=b", "neither a query"],
    ["grpc+unix:run/a.sock", "must be absolute"],
    ["grpc+unix://run/a.sock", "must be absolute"],
    [`grpc+unix:/${"a".repeat(MAX_UNIX_PATH_BYTES)}`, `is ${MAX_UNIX_PATH_BYTES + 1} bytes long`],
  ])("may not be %s: %s", (url, message) => {
    const refused = expect.objectContaining({
      code: "invalid_config",
      message: expect.stringContaining(message),
    });
    expect(() => createGrpcDialer({ url })).toThrow(refused);
  });

  it("that speaks no TLS goes with no certificates: nothing is sent in the clear by mistake", () => {
    expect(() => createGrpcDialer({ url: "grpc://principal.example:1", tls: {} })).toThrow("grpcs://");
  });

  it("that nobody listens on is named in the error", async () => {
    await expect(createGrpcDialer({ url: "grpc+unix:/no/such.sock" }).dial()).rejects.toMatchObject({
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
  await expect(createGrpcDialer({ url: `grpc://127.0.0.1:${port}` }).dial()).rejects.toMatchObject({
    code: "connection_failed",
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(vi.getTimerCount()).toBe(0);
});
