import { createPrincipal, type Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApiServer, type ApiServerOptions } from "./api-server.js";

let principal: Principal;
const cleanups: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  const store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  cleanups.push(() => principal.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(
  options: Partial<ApiServerOptions> = {},
): Promise<{ server: ReturnType<typeof createApiServer>; host: string; port: number; url: string }> {
  const server = createApiServer({ principal, port: 0, ...options });
  cleanups.push(() => server.stop());
  const bound = await server.start();
  return { server, ...bound, url: `http://127.0.0.1:${bound.port}` };
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => void socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** What a socket says until it is closed. */
function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.on("close", () => resolve(text));
  });
}

describe("the server of the API", () => {
  it("refuses a second start by name, and goes on", async () => {
    const { server, url } = await serve();
    await expect(server.start()).rejects.toMatchObject({ code: "invalid_state" });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it("asks the program's own judge, who learns where a request comes from", async () => {
    const seen: unknown[] = [];
    const { url } = await serve({
      authorize: async ({ headers, address, incoming }) => {
        seen.push([address, incoming?.url]);
        return headers.get("cookie") === "session=ada"
          ? { ok: true, actor: "ada" }
          : { ok: false, error: new HawserError("unauthenticated", "log in first") };
      },
    });
    expect((await fetch(`${url}/v1/info`)).status).toBe(401);
    expect((await fetch(`${url}/v1/info`, { headers: { cookie: "session=ada" } })).status).toBe(200);
    expect(seen).toEqual([
      ["127.0.0.1", "/v1/info"],
      ["127.0.0.1", "/v1/info"],
    ]);
  });

  it("serves on the port it reports, and keeps a connection over errors", async () => {
    const { port, host } = await serve();
    expect(host).toBe("127.0.0.1");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const ports = new Set<number | undefined>();
    for (const [method, path, body, status] of [
      ["PUT", "/v1/agents/a/resources/Task/t", '{"spec":1}', 201],
      ["PUT", "/v1/agents/a/resources/Task/t", "{", 400],
      ["GET", "/nothing", undefined, 404],
      ["GET", "/v1/agents/a/resources/Task/t", undefined, 200],
    ] as const) {
      const request = httpRequest({ host, port, method, path, agent });
      request.end(body);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      expect(response.statusCode).toBe(status);
      ports.add(response.socket.localPort);
      response.resume();
      await once(response, "end");
    }
    expect(ports.size).toBe(1);
  });

  it("names a port in use and the setting to change", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    cleanups.push(() => void other.close());
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(serve({ port })).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port} .*api\\.port`)),
    });
  });

  it("refuses settings that cannot work", () => {
    expect(() => createApiServer({ principal, port: 70_000 })).toThrow("api.port");
    expect(() => createApiServer({ principal, port: 0, host: "" })).toThrow("api.host");
    expect(() => createApiServer({ principal, port: 0, token: "" })).toThrow("token");
    for (const timeouts of [{ headersTimeoutMs: 0 }, { headersTimeoutMs: 2, requestTimeoutMs: 1 }]) {
      expect(() => createApiServer({ principal, port: 0, ...timeouts })).toThrow("api.headersTimeoutMs");
    }
  });
});

describe("clients that misbehave", () => {
  it("answers garbage with 400", async () => {
    const { port } = await serve();
    const socket = await dial(port);
    const answer = readAll(socket);
    socket.write("\u0016\u0003\u0001 garbage\r\n\r\n");
    expect(await answer).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    ["nothing", ""],
    ["half a head", "GET /livez HTTP/1.1\r\nhost: localhost\r\n"],
  ])("ends a connection that says %s", async (_what, said) => {
    const { port } = await serve({ headersTimeoutMs: 50 });
    const socket = await dial(port);
    const answer = readAll(socket);
    socket.write(said);
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("ends a request whose body does not come", async () => {
    const { port } = await serve({ headersTimeoutMs: 50, requestTimeoutMs: 50 });
    const socket = await dial(port);
    const answer = readAll(socket);
    socket.write(
      'PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{"sp',
    );
    expect(await answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(await principal.resources.get("a", "Task", "t")).toBeUndefined();
  });

  it("accepts nothing from a client that breaks off within the body", async () => {
    const { port, url } = await serve();
    const socket = await dial(port);
    socket.write(
      'PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: 11\r\n\r\n{"spec":1}',
    );
    socket.resetAndDestroy();
    await once(socket, "close");
    expect((await fetch(`${url}/v1/agents/a/resources/Task/t`)).status).toBe(404);
  });

  it.each(["content-length: 99999999", "transfer-encoding: chunked"])(
    "does not receive more of a body with %s than it will take",
    async (header) => {
      const { port } = await serve();
      const socket = await dial(port);
      const answer = readAll(socket);
      socket.write(`PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\n${header}\r\n\r\n`);
      const chunk = Buffer.concat([
        Buffer.from("10000\r\n"),
        Buffer.alloc(65_536, 0x20),
        Buffer.from("\r\n"),
      ]);
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
      expect(await answer).toMatch(/^HTTP\/1\.1 413 [^]*connection: close[^]*event_too_large/i);
      expect(socket.bytesWritten).toBeLessThan(32 * 1_048_576);
    },
  );

  it("closes the connection that is silent for longest, beyond the bound", async () => {
    const { port } = await serve({ maxConnections: 1 });
    const first = readAll(await dial(port));
    const second = await dial(port);
    expect(await first).toBe("");
    const answer = readAll(second);
    second.write("GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("streams", () => {
  it("give their place back when the reader breaks off", async () => {
    const { port, url } = await serve({ maxStreams: 1 });
    const socket = await dial(port);
    socket.write("GET /v1/streams/agents HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await once(socket, "data");
    expect((await fetch(`${url}/v1/streams/agents`)).status).toBe(503);
    socket.resetAndDestroy();
    let answer = await fetch(`${url}/v1/streams/events`);
    while (answer.status === 503) answer = await fetch(`${url}/v1/streams/events`);
    expect(answer.status).toBe(200);
    await answer.body?.cancel();
  });
});

describe("stop", () => {
  it("lets a running request finish, closes idle connections and frees the port", async () => {
    let finish: () => void = () => {};
    const called = new Promise<void>((began) => {
      principal = {
        ...principal,
        agents: () =>
          new Promise((resolve) => {
            finish = () => resolve([]);
            began();
          }),
      };
    });
    const { server, port, url } = await serve();
    const idle = await dial(port);
    const idleEnd = readAll(idle);
    const answer = fetch(`${url}/v1/agents`);
    await called;
    const stopped = server.stop();
    await expect(dial(port)).rejects.toThrow();
    finish();
    expect((await answer).status).toBe(200);
    await Promise.all([stopped, server.stop(), idleEnd]);
    expect((await serve({ port })).port).toBe(port);
  });

  it("ends streams after what there is to tell, without waiting for its grace", async () => {
    const { server, url } = await serve({ stopGraceMs: 3_600_000 });
    const response = await fetch(`${url}/v1/streams/events`);
    const told = response.text();
    const event = { specversion: "1.0", id: "1", source: "/t", type: "t", resourceid: "a_1" } as const;
    await principal.publish("edge-1", event);
    await server.stop();
    expect(await told).toContain("event: accepted");
  });

  it("cuts what is not done when the grace is over", async () => {
    const { server, port } = await serve({ stopGraceMs: 20 });
    const socket = await dial(port);
    const end = readAll(socket);
    socket.write(
      "PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{",
    );
    // Behind the first request on a second connection, so that both have been read.
    await fetch(`http://127.0.0.1:${port}/livez`);
    await server.stop();
    expect(await end).toBe("");
  });
});
