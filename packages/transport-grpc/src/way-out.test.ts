import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createGrpcAcceptor, createGrpcDialer, type GrpcDialerOptions } from "./index.js";

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** An acceptor that echoes, and the port in front of it. */
async function echo(basePath = ""): Promise<number> {
  const acceptor = createGrpcAcceptor({ basePath });
  await acceptor.start((connection) => {
    connection.open({ message: (event) => connection.send(event), writable: () => {}, ended: () => {} });
  });
  onTestFinished(() => acceptor.stop());
  return listen(createServer((socket) => acceptor.accept(socket, { address: "agent:1" })));
}

/** What comes back, or how it ended. */
async function roundTrip(options: GrpcDialerOptions): Promise<unknown> {
  const connection = await createGrpcDialer(options).dial();
  return new Promise((resolve) => {
    connection.open({
      message: ({ id }) => {
        resolve(id);
        connection.close(1000, "heard");
      },
      writable: () => {},
      ended: resolve,
    });
    connection.send({ specversion: "1.0", id: "hello", source: "/test", type: "com.example.v1" });
  });
}

it("leaves by a proxy, with user and password, and leaves the name to it", async () => {
  const port = await echo();
  const asked: IncomingMessage[] = [];
  const proxy = createHttpServer().on("connect", (request: IncomingMessage, socket: Socket) => {
    asked.push(request);
    const through = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    for (const each of [through, socket]) each.on("error", () => {});
  });
  const url = `http://me:secret@127.0.0.1:${await listen(proxy)}`;
  expect(await roundTrip({ target: "principal.example:443", proxy: { url } })).toBe("hello");
  expect(asked.map((request) => request.url)).toEqual(["principal.example:443"]);
  expect(asked[0]?.headers["proxy-authorization"]).toBe(
    `Basic ${Buffer.from("me:secret").toString("base64")}`,
  );
});

it("names the proxy that refuses, without its secrets", async () => {
  const proxy = createHttpServer().on("connect", (_request, socket: Socket) => {
    socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
  });
  const port = await listen(proxy);
  const dialing = createGrpcDialer({
    target: "principal.example:443",
    proxy: { url: `http://me:secret@127.0.0.1:${port}` },
  }).dial();
  await expect(dialing).rejects.toMatchObject({
    code: "connection_failed",
    message: expect.stringMatching(
      new RegExp(
        `through the proxy http://127\\.0\\.0\\.1:${port}.* refused a tunnel to principal\\.example:443 with 407: it does not accept`,
      ),
    ),
  });
  await expect(dialing).rejects.not.toMatchObject({ message: expect.stringContaining("secret") });
});

it("does not look at the environment", async () => {
  const port = await echo();
  process.env.grpc_proxy = "http://127.0.0.1:1";
  onTestFinished(() => void delete process.env.grpc_proxy);
  expect(await roundTrip({ target: `127.0.0.1:${port}` })).toBe("hello");
});

it.each(["/hawser", "/hawser/"])("meets below the base path %s", async (basePath) => {
  const port = await echo("/hawser");
  expect(await roundTrip({ target: `127.0.0.1:${port}`, basePath })).toBe("hello");
});

it("another base path is refused", async () => {
  const port = await echo("/hawser");
  expect(await roundTrip({ target: `127.0.0.1:${port}` })).toMatchObject({ kind: "lost" });
});

it("shows gateways what they want, and nothing that is reserved", async () => {
  const seen: unknown[] = [];
  const { createServer: createHttp2Server } = await import("node:http2");
  const server = createHttp2Server();
  server.on("stream", (stream, headers) => {
    seen.push(headers["x-gateway"]);
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": "14" },
      { endStream: true },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const target = `127.0.0.1:${port}`;
  await roundTrip({ target, headers: () => ({ "x-gateway": "one" }) }).catch(() => {});
  expect(seen).toEqual(["one"]);
  await expect(
    createGrpcDialer({ target, headers: () => ({ "grpc-timeout": "1S" }) }).dial(),
  ).rejects.toThrow(/grpc-timeout/);
});
