import { createPrincipal, type Principal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApiServer, type ApiServerOptions } from "../api-server.js";
import { createHealthServer } from "../health-server.js";

const TOKEN = "the-token-of-hostile-clients";
const AUTHORIZED = `authorization: Bearer ${TOKEN}\r\n`;

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

async function serve(options: Partial<ApiServerOptions> = {}): Promise<number> {
  const server = createApiServer({ principal, port: 0, token: TOKEN, ...options });
  cleanups.push(() => server.stop());
  return (await server.start()).port;
}

async function serveOpen(): Promise<number> {
  const server = createApiServer({ principal, port: 0 });
  cleanups.push(() => server.stop());
  return (await server.start()).port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => void socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** What a socket says until the text is in it, or it is closed. */
function readUntil(socket: Socket, wanted: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.includes(wanted)) resolve(text);
    });
    socket.on("close", () => resolve(text));
  });
}

const livez = (headers = ""): string => `GET /livez HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n`;
const ALIVE = '{"status":"alive"}';

describe("requests that come many at once", () => {
  it("are answered one after the other, in order, bodies among them", async () => {
    const socket = await dial(await serveOpen());
    const put = (spec: string): string =>
      `PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${spec.length}\r\n\r\n${spec}`;
    const chunked =
      'PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\na\r\n{"spec":3}\r\n0\r\n\r\n';
    const long = `{"spec":"${"x".repeat(200_000)}"}`;
    socket.write(`${livez()}${put('{"spec":1}')}${put(long)}${chunked}${livez("connection: close\r\n")}`);
    const said = await readUntil(socket, "no such text");
    expect([...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      "200",
      "201",
      "200",
      "200",
      "200",
    ]);
    expect((await principal.resources.get("a", "Task", "t"))?.spec).toBe(3);
  });

  it("are not made while nobody reads the answers before them", async () => {
    let asked = 0;
    const big = "x".repeat(4_000_000);
    principal = { ...principal, agent: () => Promise.resolve(void (asked += 1)) };
    Object.defineProperty(principal, "state", { get: () => (asked += 1) && big });
    const socket = await dial(await serve());
    // Enough for the buffers of the system to be full with the first few answers.
    socket.pause();
    socket.write(`GET /v1/info HTTP/1.1\r\nhost: localhost\r\n${AUTHORIZED}\r\n`.repeat(600));
    const other = await dial(await serve());
    for (let round = 0; round < 20; round += 1) {
      const answer = once(other, "data");
      other.write(livez());
      await answer;
    }
    expect(asked).toBeLessThan(10);
  });
});

describe("connections that are held", () => {
  it("give way to newcomers when they ask nothing", async () => {
    const port = await serve({ maxConnections: 4 });
    const held = await Promise.all(Array.from({ length: 4 }, () => dial(port)));
    const closed = held.map((socket) => readUntil(socket, "no such text"));
    for (let round = 0; round < 3; round += 1) {
      const newcomer = await dial(port);
      newcomer.write(livez("connection: close\r\n"));
      expect(await readUntil(newcomer, ALIVE)).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect(await closed[0]).toBe("");
  });

  it("keep their place while they are answered", async () => {
    const port = await serve({ maxConnections: 2 });
    const stream = await dial(port);
    stream.write(`GET /v1/streams/events HTTP/1.1\r\nhost: localhost\r\n${AUTHORIZED}\r\n`);
    await once(stream, "data");
    for (let round = 0; round < 3; round += 1) {
      const newcomer = await dial(port);
      newcomer.write(livez());
      await readUntil(newcomer, ALIVE);
    }
    expect(stream.readyState).toBe("open");
  });

  it("give way last where a good token was shown, however long ago the last request was", async () => {
    const port = await serve({ maxConnections: 4 });
    const known = await dial(port);
    const list = `GET /v1/agents HTTP/1.1\r\nhost: localhost\r\n${AUTHORIZED}\r\n`;
    known.write(list);
    expect(await readUntil(known, '"items"')).toMatch(/^HTTP\/1\.1 200 /);
    for (let round = 0; round < 8; round += 1) {
      const stranger = await dial(port);
      stranger.write(livez());
      await readUntil(stranger, ALIVE);
    }
    known.write(list);
    expect(await readUntil(known, '"items"')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("give way without a token, whatever they send of a body", async () => {
    const port = await serve({ maxConnections: 2 });
    for (let round = 0; round < 4; round += 1) {
      const socket = await dial(port);
      socket.write(
        "PUT /v1/agents/a/resources/Task/t HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{",
      );
      // Refused by its head: the body has not come.
      expect(await readUntil(socket, "unauthenticated")).toMatch(/^HTTP\/1\.1 401 /);
    }
  });
});

describe("streams", () => {
  it("of one client are half of all at most", async () => {
    const port = await serve({ maxStreams: 4 });
    const ask = async (): Promise<string> => {
      const socket = await dial(port);
      socket.write(`GET /v1/streams/events HTTP/1.1\r\nhost: localhost\r\n${AUTHORIZED}\r\n`);
      return (await readUntil(socket, "\r\n\r\n")).slice(9, 12);
    };
    expect([await ask(), await ask(), await ask()]).toEqual(["200", "200", "503"]);
  });
});

describe("an API with TLS", () => {
  const pem = (name: string): string =>
    readFileSync(new URL(`../../../listener/src/testing/certificates/${name}.pem`, import.meta.url), "utf8");
  const tls = { cert: pem("server"), key: pem("server.key") };

  async function askSecured(port: number, agent: Agent): Promise<number | undefined> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const asked = request({ host: "localhost", port, path: "/v1/info", ca: pem("ca"), headers, agent });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return response.statusCode;
  }

  it("answers who trusts its authority, one request after the other, and takes another certificate", async () => {
    const server = createApiServer({ principal, port: 0, token: TOKEN, tls, maxConnections: 2 });
    cleanups.push(() => server.stop());
    const { port } = await server.start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    for (let round = 0; round < 3; round += 1) expect(await askSecured(port, agent)).toBe(200);
    // Handshakes that never begin give way as well.
    await Promise.all(Array.from({ length: 4 }, () => dial(port)));
    const another = new Agent();
    expect(await askSecured(port, another)).toBe(200);
    expect(() => server.secure({ ...tls, key: pem("client.key") })).toThrow(/not usable/);
    server.secure(tls);
    expect(await askSecured(port, another)).toBe(200);
  });

  it("refuses a certificate and a key that do not fit when it is made", () => {
    const wrong = { ...tls, key: pem("client.key") };
    expect(() => createApiServer({ principal, port: 0, tls: wrong })).toThrow(/api\.tls/);
  });
});

describe("health on a port of its own", () => {
  it("answers livez and readyz alone, whatever name it is asked by, and however many hold on to it", async () => {
    const health = createHealthServer({ principal, listen: { host: "127.0.0.1", port: 0 } });
    cleanups.push(() => health.stop());
    const bound = await health.start();
    if (!("port" in bound)) throw new Error("it was bound to a port");
    const held = await Promise.all(Array.from({ length: 100 }, () => dial(bound.port)));
    for (const [path, status] of [
      ["/livez", 200],
      ["/readyz", 200],
      ["/v1/agents", 404],
    ] as const) {
      const socket = await dial(bound.port);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: probe.example\r\n\r\n`);
      expect(await readUntil(socket, "no such text")).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    }
    expect(held.length).toBe(100);
  });
});
