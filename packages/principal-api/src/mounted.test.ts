import { createPrincipal, type Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { entryLogger, systemRuntime } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Hono } from "hono";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createApiHandler, type ApiHandler } from "./api-handler.js";
import { createApi, type ApiOptions } from "./api.js";
import type { ApiVerdict } from "./access/authorize.js";

const BASE = "/control/hawser";
const WEB = "/v1/agents/edge-1/resources/Task/web";
const PUT = { method: "PUT", body: '{"spec":1}', headers: { "content-type": "application/json" } } as const;

let principal: Principal;
let lines: Readonly<Record<string, unknown>>[];
const logger = entryLogger("info", (entry) => lines.push(entry));

beforeEach(async () => {
  const store = createMemoryStore();
  await store.start();
  principal = createPrincipal({
    store,
    runtime: systemRuntime(),
    acceptors: [],
    stop: { windowMs: 0 },
  });
  await principal.start();
  lines = [];
  return async () => {
    await principal.stop();
    await store.stop();
  };
});

/** A server that is there already. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function handlerOf(options: Partial<ApiOptions> = {}): ApiHandler {
  return createApiHandler({ principal, logger, basePath: BASE, ...options });
}

/** The API below a path, beside pages of the host's own. */
function mounted(options: Partial<ApiOptions> = {}): Promise<string> {
  const api = handlerOf(options);
  return serve((request, response) => api(request, response, () => response.end(`mine: ${request.url}`)));
}

describe("below a path of a server that is there already", () => {
  it("leaves all other paths to the server", async () => {
    const origin = await mounted();
    for (const path of ["/", "/control", "/control/hawsers", "/v1/info", "/control%2Fhawser/v1/info"])
      expect(await (await fetch(origin + path)).text()).toBe(`mine: ${path}`);
  });

  it("answers all requests where nobody else does, with 404 for what is not below", async () => {
    const origin = await serve(handlerOf());
    const response = await fetch(`${origin}/v1/info`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      type: "urn:hawser:error:not_found",
      detail: "there is nothing at /v1/info",
    });
    expect((await fetch(`${origin}${BASE}/v1/info`)).status).toBe(200);
  });

  it("serves every path that it has by itself", async () => {
    const origin = await mounted();
    expect((await fetch(`${origin}${BASE}${WEB}`, PUT)).status).toBe(201);
    const read = await fetch(`${origin}${BASE}${WEB}`);
    expect(await read.json()).toMatchObject({ spec: 1 });
    const missing = await fetch(`${origin}${BASE}/v1/nothing`);
    expect(await missing.json()).toMatchObject({ detail: `there is nothing at ${BASE}/v1/nothing` });
  });

  it.each([
    ["", `${BASE}/docs`],
    ["/", `${BASE}/docs`],
    ["/?x=1", undefined],
  ])("leads from its root (%j) to its documentation", async (root, expected) => {
    const origin = await mounted();
    const response = await fetch(`${origin}${BASE}${root}`, { redirect: "manual" });
    if (expected === undefined) return expect(response.status).toBe(400);
    expect(response.status).toBe(302);
    const docs = new URL(response.headers.get("location") ?? "", response.url);
    expect(docs.pathname).toBe(expected);
    expect((await fetch(docs)).status).toBe(200);
  });

  it("describes itself relative to where it is, and shows commands that reach it", async () => {
    const origin = await mounted();
    const response = await fetch(`${origin}${BASE}/openapi.json`);
    const { servers, paths } = (await response.json()) as {
      servers: { url: string }[];
      paths: Record<string, unknown>;
    };
    expect(new URL(servers[0]?.url ?? "", response.url).pathname).toBe(`${BASE}/`);
    expect(Object.keys(paths)).toContain("/v1/info");
    const page = await (await fetch(`${origin}${BASE}/docs`)).text();
    expect(page).toContain(`API=&#39;${origin}${BASE}&#39;`);
    expect(page).toContain('<a href="openapi.json">');
  });

  it("knows the path that a framework has shortened", async () => {
    const api = handlerOf();
    const origin = await serve((request, response) => {
      const original = request.url ?? "";
      // As Express does with what is mounted at a path.
      Object.assign(request, { originalUrl: original, url: original.slice(BASE.length) });
      api(request, response);
    });
    expect((await fetch(`${origin}${BASE}/v1/info`)).status).toBe(200);
  });

  it.each(["control", "/a b", "/a/../b", "/a?b", "//a", "/%61"])("refuses the base path %j", (basePath) => {
    expect(() => handlerOf({ basePath })).toThrow(/basePath must be like/);
  });

  it("may have a base path that ends with a slash", async () => {
    const origin = await mounted({ basePath: `${BASE}/` });
    expect((await fetch(`${origin}${BASE}/v1/info`)).status).toBe(200);
  });
});

describe("what is known of a request", () => {
  it("is what the server's own middleware found out, and where it came from", async () => {
    const api = handlerOf({
      authorize: ({ incoming, address }): ApiVerdict =>
        incoming !== undefined && "user" in incoming && typeof incoming.user === "string"
          ? { ok: true, actor: `${incoming.user}@${address}` }
          : { ok: false, error: new HawserError("unauthenticated", "log in first") },
    });
    const origin = await serve((request, response) => {
      if (request.headers.cookie === "session=ada") Object.assign(request, { user: "ada" });
      api(request, response);
    });
    expect((await fetch(`${origin}${BASE}${WEB}`, PUT)).status).toBe(401);
    const headers = { ...PUT.headers, cookie: "session=ada" };
    expect((await fetch(`${origin}${BASE}${WEB}`, { ...PUT, headers })).status).toBe(201);
    expect(lines).toContainEqual(
      expect.objectContaining({
        caller: "ada@127.0.0.1",
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        path: WEB,
        status: 201,
      }),
    );
  });

  it("slows who guesses tokens, by its address", async () => {
    const origin = await mounted({ token: "the-token-of-this-api" });
    const statuses = new Set<number>();
    for (let n = 0; n < 30; n++) {
      const headers = { authorization: `Bearer wrong-${n}` };
      statuses.add((await fetch(`${origin}${BASE}/v1/info`, { headers })).status);
    }
    expect(statuses).toEqual(new Set([401, 429]));
  });
});

describe("a body", () => {
  /** As body parsers do. */
  async function bodyOf(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  it("that was parsed before is refused, with what to do", async () => {
    const api = handlerOf();
    const origin = await serve((request, response) => {
      void bodyOf(request).then((body) => {
        Object.assign(request, { body: body.length === 0 ? undefined : JSON.parse(String(body)) });
        api(request, response);
      });
    });
    const response = await fetch(`${origin}${BASE}${WEB}`, PUT);
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({
      code: "invalid_config",
      detail: expect.stringContaining("express.json()"),
    });
    expect(await principal.resources.get("edge-1", "Task", "web")).toBeUndefined();
    // What has none is none the worse for it.
    expect((await fetch(`${origin}${BASE}${WEB}`)).status).toBe(404);
    expect((await fetch(`${origin}${BASE}${WEB}`, { method: "DELETE" })).status).toBe(404);
  });

  it("that was kept as it was is taken", async () => {
    const api = handlerOf();
    const origin = await serve((request, response) => {
      void bodyOf(request).then((rawBody) => {
        Object.assign(request, { rawBody });
        api(request, response);
      });
    });
    expect((await fetch(`${origin}${BASE}${WEB}`, PUT)).status).toBe(201);
  });

  it("that another app of hono has read is refused, too", async () => {
    const api = createApi({ principal, basePath: BASE });
    const host = new Hono();
    host.all(`${BASE}/*`, async (context) => {
      await context.req.json();
      return api.fetch(context.req.raw);
    });
    expect((await host.request(`${BASE}${WEB}`, PUT)).status).toBe(501);
  });

  it("has its bound, also without a length", async () => {
    const origin = await mounted();
    const large = Buffer.alloc(2 * 1024 * 1024, "x");
    for (const headers of [{ "content-length": String(large.length) }, { "transfer-encoding": "chunked" }]) {
      const request = httpRequest(`${origin}${BASE}${WEB}`, { method: "PUT", headers });
      request.on("error", () => {});
      request.end(large);
      const [response] = (await once(request, "response")) as [IncomingMessage];
      expect(response.statusCode).toBe(413);
      request.destroy();
    }
  });
});

describe("streams", () => {
  it("end with the principal, and the server goes on", async () => {
    const origin = await mounted();
    const response = await fetch(`${origin}${BASE}/v1/streams/events`);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const text = response.text();
    await fetch(`${origin}${BASE}${WEB}`, PUT);
    await principal.stop();
    expect(await text).toContain("accepted");
    expect(await (await fetch(`${origin}/`)).text()).toBe("mine: /");
  });

  it("give their place back when their reader goes", async () => {
    const origin = await mounted({ maxStreams: 1 });
    const leaving = new AbortController();
    const first = await fetch(`${origin}${BASE}/v1/streams/events`, { signal: leaving.signal });
    expect(first.status).toBe(200);
    expect((await fetch(`${origin}${BASE}/v1/streams/events`)).status).toBe(503);
    leaving.abort();
    let status = 503;
    while (status === 503) {
      const next = await fetch(`${origin}${BASE}/v1/streams/events`);
      status = next.status;
      await next.body?.cancel();
    }
    expect(status).toBe(200);
  });
});
