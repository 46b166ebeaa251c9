import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import type { ConnectionEnd, TlsOptions } from "@hawser/transport";
import { afterEach, expect, it } from "vitest";
import { createGrpcAcceptor, createGrpcDialer } from "./index.js";

// For this test alone: self-signed, for the name principal.test, valid until 2126.
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBpDCCAUqgAwIBAgIUGt050DPYQPpszKxhtdvkU6EKfvswCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOcHJpbmNpcGFsLnRlc3QwIBcNMjYxMTIxMDQwNjU2WhgPMjEy
NjEwMjgwNDA2NTZaMBkxFzAVBgNVBAMMDnByaW5jaXBhbC50ZXN0MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAE5oxSUKCXjfit6RQf/UulVswQM67bgZb/y8XH/BfJ
lAG3WR6VTWmwtT5Om6UMYbtecerRfPIFDjO0IqsxUPZUG6NuMGwwHQYDVR0OBBYE
FFWHGqODW5SblUy9nELGKnIkxlVLMB8GA1UdIwQYMBaAFFWHGqODW5SblUy9nELG
KnIkxlVLMA8GA1UdEwEB/wQFMAMBAf8wGQYDVR0RBBIwEIIOcHJpbmNpcGFsLnRl
c3QwCgYIKoZIzj0EAwIDSAAwRQIhAJXQ/iNVVg4vg9H4L80tb5O3LqcE+Z/U8w3b
XYizp+gxAiBO/ChCl5TSas0gO39zfp34WJ7GH4DClBfM36G/mCgMwQ==
-----END CERTIFICATE-----`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgebsC6KgSzfe0Yrh/
nHA2mRVEJVBSElRdd9atMZ0709+hRANCAATmjFJQoJeN+K3pFB/9S6VWzBAzrtuB
lv/Lxcf8F8mUAbdZHpVNabC1Pk6bpQxhu15x6tF88gUOM7QiqzFQ9lQb
-----END PRIVATE KEY-----`;

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup();
  cleanups = [];
});

/** A listener that ends TLS itself, as the principal's does, and hands on what asked for HTTP/2. */
async function listen(protocols: string[]) {
  const acceptor = createGrpcAcceptor();
  await acceptor.start((connection) => {
    connection.open({ message: (event) => connection.send(event), writable: () => {}, ended: () => {} });
  });
  const server = createServer(
    {
      cert: CERTIFICATE,
      key: KEY,
      ca: CERTIFICATE,
      requestCert: true,
      ALPNProtocols: protocols,
    },
    (socket) => acceptor.accept(socket, { address: "agent:1" }),
  );
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => acceptor.stop(),
  );
  const { port } = server.address() as AddressInfo;
  return (tls: TlsOptions) =>
    createGrpcDialer({
      url: `grpcs://127.0.0.1:${port}`,
      tls: { cert: CERTIFICATE, key: KEY, ...tls },
    }).dial();
}

it("takes the session up again at the next dial", async () => {
  const reused: boolean[] = [];
  const acceptor = createGrpcAcceptor();
  await acceptor.start((connection) => {
    connection.open({ message: (event) => connection.send(event), writable: () => {}, ended: () => {} });
  });
  const server = createServer({ cert: CERTIFICATE, key: KEY, ALPNProtocols: ["h2"] }, (socket) => {
    reused.push(socket.isSessionReused());
    acceptor.accept(socket, { address: "agent:1" });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => acceptor.stop(),
  );
  const { port } = server.address() as AddressInfo;
  const tls = { ca: CERTIFICATE, servername: "principal.test" };
  const dialer = createGrpcDialer({ url: `grpcs://127.0.0.1:${port}`, tls: () => tls });
  for (let n = 0; n < 2; n += 1) {
    const connection = await dialer.dial();
    await new Promise<void>((resolve) => {
      connection.open({
        message: () => connection.close(1000, "heard"),
        writable: () => {},
        ended: () => resolve(),
      });
      connection.send({ specversion: "1.0", id: "1", source: "/test", type: "com.example.v1" });
    });
  }
  expect(reused).toEqual([false, true]);
});

it("carries events over TLS and closes cleanly", async () => {
  const dial = await listen(["h2"]);
  const connection = await dial({
    ca: CERTIFICATE,
    servername: "principal.test",
    cert: CERTIFICATE,
    key: KEY,
  });
  const end = await new Promise<ConnectionEnd>((resolve) => {
    connection.open({
      message: () => connection.close(1000, "heard"),
      writable: () => {},
      ended: resolve,
    });
    connection.send({ specversion: "1.0", id: "1", source: "/test", type: "com.example.v1" });
  });
  expect(end).toEqual({ kind: "closed", clean: true, code: 1000, reason: "heard", by: "local" });
});

it.each([
  ["an unknown authority", { servername: "principal.test" }, /self.signed/],
  ["another name", { ca: CERTIFICATE, servername: "elsewhere.test" }, /is not for elsewhere\.test/],
])("does not trust %s", async (_name, tls, message) => {
  const dial = await listen(["h2"]);
  await expect(dial(tls)).rejects.toMatchObject({
    code: "connection_failed",
    message: expect.stringMatching(message) as string,
  });
});

it("does not speak to a server without HTTP/2", async () => {
  const dial = await listen(["http/1.1"]);
  await expect(dial({ ca: CERTIFICATE, servername: "principal.test" })).rejects.toMatchObject({
    code: "connection_failed",
  });
});

it("speaks TLS with a proxy that wants it, and verifies its certificate", async () => {
  const proxy = createServer({ cert: CERTIFICATE, key: KEY });
  proxy.on("tlsClientError", () => {});
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  cleanups.push(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}`;
  await expect(
    createGrpcDialer({ url: "grpc://principal.example:443", proxy: { url } }).dial(),
  ).rejects.toThrow(/TLS with 127\.0\.0\.1 failed: self.signed/);
});
