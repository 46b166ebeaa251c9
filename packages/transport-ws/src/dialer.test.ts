import http, { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { HawserError, parseRetryAfter, retryAfterOf } from "@hawser/protocol";
import { MAX_UNIX_PATH_BYTES, systemRuntime } from "@hawser/runtime";
import { type PeerInfo, proxyFromEnvironment, type TlsOptions } from "@hawser/transport";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createWebSocketAcceptor, createWebSocketDialer, type WebSocketDialerOptions } from "./index.js";
import { listen, listening, opened } from "./testing/listening.js";
import { selfSigned } from "./testing/self-signed.js";

const WALL_TIME = Date.UTC(2026, 10, 21, 3, 0, 0);
const clock = { now: () => 0, wallTime: () => WALL_TIME };

function dialerTo(port: number, options: Partial<WebSocketDialerOptions> = {}) {
  return createWebSocketDialer({
    url: `ws://127.0.0.1:${port}`,
    subprotocol: "cloudevents.json",
    ...options,
  });
}

async function refusal(dialing: Promise<unknown>): Promise<HawserError> {
  const thrown: unknown = await dialing.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof HawserError)) throw new Error(`Expected a HawserError, got ${String(thrown)}.`);
  return thrown;
}

describe("refused by an HTTP status", () => {
  async function dialRefusedBy(listener: RequestListener): Promise<HawserError> {
    const port = await listen(createHttpServer(listener));
    return refusal(dialerTo(port, { runtime: { ...systemRuntime(), clock } }).dial());
  }

  test.each([
    [401, "unauthenticated"],
    [403, "forbidden"],
    [400, "connection_failed"],
    [302, "connection_failed"],
    [429, "connection_failed"],
    [500, "connection_failed"],
    [503, "connection_failed"],
  ])("%i is %s", async (status, code) => {
    const error = await dialRefusedBy((_request, response) => response.writeHead(status).end("because"));
    expect(error.code).toBe(code);
    expect(error.message).toContain(` answered ${status} `);
    expect(error.message).toContain(": because");
    expect(retryAfterOf(error)?.retryAfterMs).toBeUndefined();
  });

  test.each([
    ["7", 7000],
    ["0", 0],
    ["Sat, 21 Nov 2026 03:00:30 GMT", 30_000],
    ["Sat, 21 Nov 2026 02:00:00 GMT", 0],
  ])("503 with Retry-After %s is overloaded", async (value, expectedMs) => {
    const error = await dialRefusedBy((_request, response) => {
      response.writeHead(503, { "retry-after": value }).end();
    });
    expect(error.code).toBe("overloaded");
    expect(retryAfterOf(error)?.retryAfterMs).toBe(expectedMs);
  });

  test("a slot of its own goes before the whole seconds that everybody is told", async () => {
    const error = await dialRefusedBy((_request, response) => {
      response.writeHead(503, { "retry-after": "2", "hawser-retry-after-ms": "1234" }).end();
    });
    expect(error.cause).toEqual({ retryAfterMs: 1_234, slot: true });
  });

  test("a long body is cut and its control characters do not reach the log", async () => {
    const error = await dialRefusedBy((_request, response) => {
      response.writeHead(500).end(`first\r\nsecond\u001b[31m${"x".repeat(100_000)}`);
    });
    expect(error.message).toContain("first second [31mxxx");
    expect(error.message.length).toBeLessThan(700);
  });

  test("a body that never ends is not waited for", async () => {
    const error = await dialRefusedBy((_request, response) => {
      response.writeHead(403).write("x".repeat(600));
    });
    expect(error.code).toBe("forbidden");
  });
});

test.each([undefined, "", "soon", "-1", "1.5", "1e3", "99999999999", "Sat, 99 Foo"])(
  "Retry-After %j is no time",
  (value) => {
    expect(parseRetryAfter(value, WALL_TIME)).toBeUndefined();
  },
);

test("a socket is closed where ws throws over the request", async () => {
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
  const request = vi.spyOn(http, "request").mockImplementation(() => {
    throw new Error("not such a request");
  });
  onTestFinished(() => request.mockRestore());
  const error = await refusal(dialerTo(port).dial());
  expect(error.code).toBe("connection_failed");
  expect(error.message).toContain("not such a request");
  await expect.poll(() => [count, sockets.size]).toEqual([1, 0]);
});

test("the setting of a proxy whose password has a bare percent sign is named", () => {
  const proxy = proxyFromEnvironment({ HTTPS_PROXY: "http://us%er:p%w@proxy:3128" }, true);
  if (proxy === undefined) throw new Error("no proxy");
  const url = "wss://principal.example";
  expect(() => createWebSocketDialer({ url, subprotocol: "cloudevents.json", proxy })).toThrow(
    expect.objectContaining({
      code: "invalid_config",
      message:
        "The user in HTTPS_PROXY has a % that does not encode a character; write %25 for a percent sign.",
    }),
  );
});

test.each(["ws://principal.example", "ws+unix:/run/hawser/internal.sock"])(
  "certificates that %s has no use for are refused, as whoever gives them counts on them",
  (url) => {
    expect(() => createWebSocketDialer({ url, subprotocol: "cloudevents.json", tls: {} })).toThrow(
      expect.objectContaining({ code: "invalid_config", message: expect.stringContaining("wss://") }),
    );
  },
);

test("a server that is no WebSocket server is connection_failed", async () => {
  const port = await listen(createServer((socket) => socket.end("220 mail ready\r\n")));
  expect((await refusal(dialerTo(port).dial())).code).toBe("connection_failed");
});

test("a server that picks no subprotocol is connection_failed", async () => {
  const { port } = await listening(createWebSocketAcceptor({ subprotocols: ["cloudevents.proto"] }));
  const error = await refusal(dialerTo(port).dial());
  expect(error.code).toBe("connection_failed");
  expect(error.message).toContain("unsupported_subprotocol");
});

test.each([
  [["cloudevents.proto", "cloudevents.json"], "ws-proto"],
  [["cloudevents.json", "cloudevents.proto"], "ws-json"],
] as const)("of %j the most wanted is used", async (subprotocol, transport) => {
  const { port, accepted } = await listening(createWebSocketAcceptor());
  const connection = opened(await dialerTo(port, { subprotocol }).dial());
  expect(connection.connection.transport).toBe(transport);
  expect((await accepted()).connection.transport).toBe(transport);
});

test("a list falls back to what the server speaks", async () => {
  const { port } = await listening(createWebSocketAcceptor({ subprotocols: ["cloudevents.json"] }));
  const dialer = dialerTo(port, { subprotocol: ["cloudevents.proto", "cloudevents.json"] });
  expect(dialer.transport).toBe("ws-proto");
  expect(opened(await dialer.dial()).connection.transport).toBe("ws-json");
});

describe("authorization", () => {
  test("is asked anew for each dial, and may take its time", async () => {
    const { port, accepted } = await listening(createWebSocketAcceptor());
    const tokens = ["Bearer one", "Bearer two", undefined];
    const dialer = dialerTo(port, { authorization: () => Promise.resolve(tokens.shift()) });
    const seen: unknown[] = [];
    for (let n = 0; n < 3; n++) {
      opened(await dialer.dial());
      seen.push((await accepted()).connection.peer.authorization);
    }
    expect(seen).toEqual(["Bearer one", "Bearer two", undefined]);
  });

  test("that throws or rejects is connection_failed and says why", async () => {
    const reasons = ["no token file", "no token service"];
    const sync = dialerTo(1, {
      authorization: () => {
        throw new Error(reasons[0]);
      },
    });
    const later = dialerTo(1, { authorization: () => Promise.reject(new Error(reasons[1])) });
    for (const [index, dialer] of [sync, later].entries()) {
      const error = await refusal(dialer.dial());
      expect(error.code).toBe("connection_failed");
      expect(error.message).toContain(reasons[index]);
    }
  });

  test("that never comes is bounded by the dial's timeout", async () => {
    const dialer = dialerTo(1, { authorization: () => new Promise(() => {}) });
    expect((await refusal(dialer.dial({ timeoutMs: 10 }))).code).toBe("timeout");
  });

  test("that HTTP cannot carry is refused without its value, and opens no socket", async () => {
    let count = 0;
    const port = await listen(
      createServer((socket) => {
        count += 1;
        socket.destroy();
      }),
    );
    const error = await refusal(dialerTo(port, { authorization: () => "Bearer geheim-\u20ac" }).dial());
    expect(error.code).toBe("connection_failed");
    expect(error.message).toContain("authorization");
    expect(inspect(error)).not.toContain("geheim-");
    expect(count).toBe(0);
  });

  test("with a line break cannot forge a header", async () => {
    const dialer = dialerTo(1, { authorization: () => "Bearer x\r\nx-admin: yes" });
    const error = await refusal(dialer.dial());
    expect(error.code).toBe("connection_failed");
    expect(error.message).not.toContain("x-admin");
  });
});

describe("further headers", () => {
  test("go with the upgrade, asked anew for each dial", async () => {
    const seen: unknown[] = [];
    const port = await listen(
      createHttpServer().on("upgrade", (request, socket) => {
        seen.push(request.headers["x-gateway"]);
        socket.end("HTTP/1.1 500 Enough\r\ncontent-length: 0\r\n\r\n");
      }),
    );
    const values = ["one", "two"];
    const dialer = dialerTo(port, { headers: () => ({ "x-gateway": values.shift() ?? "" }) });
    for (let n = 0; n < 2; n++) await refusal(dialer.dial());
    expect(seen).toEqual(["one", "two"]);
  });

  test.each([
    [{ "sec-websocket-key": "x" }, "sec-websocket-key"],
    [{ Authorization: "Bearer secret-value" }, "Authorization"],
    [{ "x-a": "secret-value\r\nx-b: 1" }, "x-a"],
    [{ "x a": "secret-value" }, "x a"],
    [{ "x-a": "secret-value-\u00e9" }, "x-a"],
    [{ "x-a": "secret-value\t" }, "x-a"],
    [{ "x-a-bin": "secret-value" }, "x-a-bin"],
    [{ "Keep-Alive": "secret-value" }, "Keep-Alive"],
    [{ "proxy-connection": "secret-value" }, "proxy-connection"],
  ])("%j is refused by its name, without its value", async (headers, name) => {
    const error = await refusal(dialerTo(1, { headers: () => headers }).dial());
    expect(error.code).toBe("connection_failed");
    expect(error.message).toContain(name);
    expect(error.message).not.toContain("secret-value");
  });
});

test.each([
  ["", "/v1/connect"],
  ["/", "/v1/connect"],
  ["/v1/connect", "/v1/connect"],
  ["/v1/connect/", "/v1/connect"],
  ["/hawser", "/hawser/v1/connect"],
  ["/hawser/", "/hawser/v1/connect"],
  ["/hawser/v1/connect", "/hawser/v1/connect"],
  ["/?zone=a", "/v1/connect?zone=a"],
])("the path %j of the URL asks for %s", async (path, expected) => {
  const asked: unknown[] = [];
  const port = await listen(
    createHttpServer().on("upgrade", (request, socket) => {
      asked.push(request.url);
      socket.end("HTTP/1.1 500 Enough\r\ncontent-length: 0\r\n\r\n");
    }),
  );
  await refusal(dialerTo(port, { url: `ws://127.0.0.1:${port}${path}` }).dial());
  expect(asked).toEqual([expected]);
});

test("an answer in HTML is named as one that something in between gave", async () => {
  const port = await listen(
    createHttpServer((_request, response) => {
      response
        .writeHead(302, { location: "https://login.example", "content-type": "text/html" })
        .end("<html>");
    }),
  );
  const error = await refusal(dialerTo(port).dial());
  expect(error.message).toContain("something between here and the principal answered");
});

test.each([
  ["not a url", "is not a URL"],
  ["http://principal", "must begin with ws://, wss:// or ws+unix:/"],
  ["ws://user:secret@principal", "must not hold credentials"],
  ["ws://principal/#top", "must not have a fragment"],
  ["ws+unix://run/hawser.sock", "must be absolute"],
  ["ws+unix:hawser.sock", "must be absolute"],
  [`ws+unix:/${"a".repeat(MAX_UNIX_PATH_BYTES)}`, `is ${MAX_UNIX_PATH_BYTES + 1} bytes long`],
])("the URL %s is refused: %s", (url, message) => {
  expect(() => createWebSocketDialer({ url, subprotocol: "cloudevents.json" })).toThrow(message);
});

test("no subprotocol at all is refused", () => {
  expect(() => createWebSocketDialer({ url: "ws://principal", subprotocol: [] })).toThrow(
    "At least one subprotocol",
  );
});

describe("TLS", () => {
  const authority = selfSigned("principal");
  const stranger = selfSigned("stranger");
  const agent = selfSigned("agent-7");

  async function tlsPort(): Promise<number> {
    const acceptor = createWebSocketAcceptor();
    await acceptor.start((connection) =>
      opened(connection).connection.send(certificateEvent(connection.peer)),
    );
    const options = {
      ...authority,
      requestCert: true,
      rejectUnauthorized: false,
      ca: agent.cert,
      ALPNProtocols: ["http/1.1"],
    };
    const server = createTlsServer(options, (socket) => {
      const name = commonName(socket);
      acceptor.accept(socket, {
        address: "tester:1",
        ...(name === undefined ? {} : { certificate: { kind: "usable", names: [name] } }),
      });
    });
    return listen(server);
  }

  test("an authority that is trusted, and a client certificate", async () => {
    const dialer = createWebSocketDialer({
      url: `wss://127.0.0.1:${await tlsPort()}`,
      subprotocol: "cloudevents.json",
      tls: { ca: [authority.cert], cert: agent.cert, key: agent.key },
    });
    const { next, connection } = opened(await dialer.dial());
    expect(await next()).toMatchObject({ subject: "agent-7" });
    connection.terminate(new HawserError("aborted", "done"));
  });

  test("the session is taken up again by the next dial, and not with another identity", async () => {
    const reused: boolean[] = [];
    const acceptor = createWebSocketAcceptor();
    await acceptor.start((connection) => opened(connection).connection.send(certificateEvent({})));
    const server = createTlsServer({ ...authority, ALPNProtocols: ["http/1.1"] }, (socket) => {
      reused.push(socket.isSessionReused());
      acceptor.accept(socket, { address: "tester:1" });
    });
    const url = `wss://127.0.0.1:${await listen(server)}`;
    let tls: TlsOptions = { ca: authority.cert };
    const dialer = createWebSocketDialer({ url, subprotocol: "cloudevents.json", tls: () => tls });
    for (let n = 0; n < 3; n++) {
      const { next, connection } = opened(await dialer.dial());
      await next();
      connection.terminate(new HawserError("aborted", "done"));
      if (n === 1) tls = { ca: [authority.cert, stranger.cert] };
    }
    expect(reused).toEqual([false, true, false]);
  });

  test.each([
    ["nobody", undefined],
    ["somebody else", stranger.cert],
  ])("a certificate by %s's authority is connection_failed", async (_name, ca) => {
    const dialer = createWebSocketDialer({
      url: `wss://127.0.0.1:${await tlsPort()}`,
      subprotocol: "cloudevents.json",
      tls: ca === undefined ? {} : { ca },
    });
    const error = await refusal(dialer.dial());
    expect(error.code).toBe("connection_failed");
    expect(error.message).toMatch(/certificate/i);
  });

  test("a certificate for another name is connection_failed", async () => {
    const dialer = createWebSocketDialer({
      url: `wss://127.0.0.1:${await tlsPort()}`,
      subprotocol: "cloudevents.json",
      tls: { ca: authority.cert, servername: "other.example" },
    });
    expect((await refusal(dialer.dial())).code).toBe("connection_failed");
  });
});

function certificateEvent({ certificate }: Pick<PeerInfo, "certificate">) {
  return {
    specversion: "1.0",
    id: "1",
    source: "/test",
    type: "com.example.certificate.v1",
    subject: certificate?.kind === "usable" ? certificate.names.join() : "nobody",
  } as const;
}

function commonName(socket: TLSSocket): string | undefined {
  const { CN: name } = socket.getPeerCertificate().subject;
  return socket.authorized && typeof name === "string" ? name : undefined;
}
