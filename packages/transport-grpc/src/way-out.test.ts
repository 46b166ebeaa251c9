import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { inspect } from "node:util";
import { proxyFromEnvironment } from "@hawser/transport";
import { expect, it, onTestFinished, vi } from "vitest";
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
  expect(await roundTrip({ url: "grpc://principal.example:443", proxy: { url } })).toBe("hello");
  expect(asked.map((request) => request.url)).toEqual(["principal.example:443"]);
  expect(asked[0]?.headers["proxy-authorization"]).toBe(
    `Basic ${Buffer.from("me:secret").toString("base64")}`,
  );
});

it.each([
  ["http://127.0.0.1", "407: it wants a user and a password"],
  ["http://me:secret@127.0.0.1", "407: it does not accept the user and password of its URL"],
])(
  "%s: says what a proxy that refuses answered, without its secrets, and in no other place",
  async (url, why) => {
    const written = [vi.spyOn(console, "error"), vi.spyOn(process.stderr, "write")];
    onTestFinished(() => written.forEach((spy) => spy.mockRestore()));
    const proxy = createHttpServer().on("connect", (_request, socket: Socket) => {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    });
    const port = await listen(proxy);
    await expect(
      createGrpcDialer({ url: "grpc://principal.example:443", proxy: { url: `${url}:${port}` } }).dial(),
    ).rejects.toMatchObject({
      code: "connection_failed",
      message: expect.stringMatching(
        new RegExp(
          `^Could not connect to principal.example:443: the proxy http://127.0.0.1:${port} refused a tunnel to principal.example:443 with ${why}`,
        ),
      ),
    });
    for (const spy of written) expect(spy).not.toHaveBeenCalled();
  },
);

it("names the proxy that cannot be reached", async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await expect(
    createGrpcDialer({
      url: "grpc://principal.example:443",
      proxy: { url: `http://127.0.0.1:${port}` },
    }).dial(),
  ).rejects.toMatchObject({
    code: "connection_failed",
    message: expect.stringContaining(`the proxy http://127.0.0.1:${port} cannot be reached: `),
  });
});

it("leaves no socket at a proxy that never answers", async () => {
  const sockets = new Set<Socket>();
  const port = await listen(
    createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
      socket.resume();
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  const dialer = createGrpcDialer({ url: "grpc://principal.example:443", proxy: { url } });
  const giveUp = new AbortController();
  const dialing = [dialer.dial({ timeoutMs: 300 }), dialer.dial({ signal: giveUp.signal })];
  const ends = Promise.allSettled(dialing);
  await expect.poll(() => sockets.size).toBe(2);
  giveUp.abort();
  expect(await ends).toMatchObject([{ reason: { code: "timeout" } }, { reason: { code: "aborted" } }]);
  await expect.poll(() => sockets.size).toBe(0);
});

it("leaves no socket where grpc-js throws over its options", async () => {
  const sockets = new Set<Socket>();
  let count = 0;
  const port = await listen(
    createServer((socket) => {
      count += 1;
      sockets.add(socket);
      socket.on("error", () => {}).once("close", () => sockets.delete(socket));
      socket.resume();
    }),
  );
  const channelOptions = { "grpc.service_config": "{" };
  await expect(
    createGrpcDialer({ url: `grpc://127.0.0.1:${port}`, channelOptions }).dial(),
  ).rejects.toMatchObject({
    code: "connection_failed",
  });
  await expect.poll(() => [count, sockets.size]).toEqual([1, 0]);
});

it("takes a proxy that speaks TLS, and trusts none that it does not know", async () => {
  const port = await listen(createServer((socket) => socket.on("error", () => {}).end("no TLS")));
  const proxy = { url: `https://127.0.0.1:${port}` };
  await expect(createGrpcDialer({ url: "grpc://principal.example:443", proxy }).dial()).rejects.toMatchObject(
    {
      code: "connection_failed",
      message: expect.stringContaining("TLS with 127.0.0.1 failed"),
    },
  );
});

it("names the setting of a proxy whose password has a bare percent sign", () => {
  const proxy = proxyFromEnvironment({ HTTPS_PROXY: "http://us%er:p%w@proxy:3128" }, true);
  if (proxy === undefined) throw new Error("no proxy");
  expect(() => createGrpcDialer({ url: "grpc://principal.example:443", proxy })).toThrow(
    expect.objectContaining({
      code: "invalid_config",
      message:
        "The user in HTTPS_PROXY has a % that does not encode a character; write %25 for a percent sign.",
    }),
  );
});

it.each([
  ["x-secret", "geheim-\u00e9"],
  ["x-secret", "geheim-\t-"],
  ["x-secret", " geheim-"],
  ["x-secret", "geheim- "],
  ["x-bin", "geheim-"],
  ["proxy-connection", "geheim-"],
  ["keep-alive", "geheim-"],
  ["http2-settings", "geheim-"],
  ["x~y", "geheim-"],
])(
  "the header %s: %j is refused by its name, without its value and without a socket",
  async (name, value) => {
    let count = 0;
    const port = await listen(createServer((socket) => void ((count += 1), socket.destroy())));
    const dialing = createGrpcDialer({
      url: `grpc://127.0.0.1:${port}`,
      headers: () => ({ [name]: value }),
    }).dial();
    const error: unknown = await dialing.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "connection_failed", message: expect.stringContaining(name) });
    expect(inspect(error)).not.toContain("geheim-");
    expect(count).toBe(0);
  },
);

it("an authorization that HTTP cannot carry is refused without its value", async () => {
  const dialing = createGrpcDialer({
    url: "grpc://127.0.0.1:1",
    authorization: () => "Bearer geheim-\u20ac",
  }).dial();
  const error: unknown = await dialing.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: "connection_failed",
    message: expect.stringContaining("authorization"),
  });
  expect(inspect(error)).not.toContain("geheim-");
});

it("does not look at the environment", async () => {
  const port = await echo();
  process.env.grpc_proxy = "http://127.0.0.1:1";
  onTestFinished(() => void delete process.env.grpc_proxy);
  expect(await roundTrip({ url: `grpc://127.0.0.1:${port}` })).toBe("hello");
});

it.each(["/hawser", "/hawser/"])("meets below the base path %s", async (basePath) => {
  const port = await echo("/hawser");
  expect(await roundTrip({ url: `grpc://127.0.0.1:${port}${basePath}` })).toBe("hello");
});

it("another base path is refused", async () => {
  const port = await echo("/hawser");
  expect(await roundTrip({ url: `grpc://127.0.0.1:${port}` })).toMatchObject({ kind: "lost" });
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
  const url = `grpc://127.0.0.1:${port}`;
  await roundTrip({ url, headers: () => ({ "x-gateway": "one" }) }).catch(() => {});
  expect(seen).toEqual(["one"]);
  await expect(createGrpcDialer({ url, headers: () => ({ "grpc-timeout": "1S" }) }).dial()).rejects.toThrow(
    /grpc-timeout/,
  );
});
