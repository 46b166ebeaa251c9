import { createPrincipalMetrics } from "@hawser/metrics";
import { createPrincipal, type Principal } from "@hawser/principal";
import { entryLogger } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi, type ApiOptions } from "./api.js";
import { ApiTokens } from "./access/api-tokens.js";
import type { ServedBy } from "./http/served-by.js";

const TOKEN = "the-token-of-these-guards";
const WEB = "/v1/agents/edge-1/resources/Task/web";

let principal: Principal;
let lines: Readonly<Record<string, unknown>>[];
let app: Hono;
const metrics = createPrincipalMetrics({ process: false });
const virtual = createVirtualRuntime({ seed: 1 });

beforeEach(async () => {
  const store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [], listen: { port: 0 } });
  await principal.start();
  lines = [];
  app = make({ token: new ApiTokens([{ token: TOKEN, name: "deploys" }]) });
  return async () => {
    await principal.stop();
  };
});

function make(options: Partial<ApiOptions>): Hono {
  const logger = entryLogger("info", (entry) => lines.push(entry));
  return createApi({
    principal,
    logger,
    metrics,
    runtime: virtual.runtime,
    boundHost: "127.0.0.1",
    ...options,
  });
}

interface Ask {
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly client?: string;
}

function ask(
  path: string,
  { method = "GET", token = TOKEN, headers = {}, body, client = "10.0.0.1" }: Ask = {},
) {
  const serving: ServedBy = {
    closing: new AbortController().signal,
    address: `${client}:4711`,
    client,
    admitted: () => {},
  };
  const init = {
    method,
    headers: {
      host: "localhost:7481",
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  };
  return app.request(path, init, { serving });
}

const put = { method: "PUT", body: '{"spec":1}' } as const;

describe("web pages", () => {
  it.each(["evil.example:7481", "localhost.evil.example", "127.0.0.1.evil.example", "10.1.2.3:7481"])(
    "are kept out by the Host %s, reads too",
    async (host) => {
      for (const asked of [ask(WEB, { headers: { host } }), ask(WEB, { ...put, headers: { host } })]) {
        const response = await asked;
        expect(response.status).toBe(421);
        expect(await response.json()).toMatchObject({
          code: "forbidden",
          detail: expect.stringContaining("Host"),
        });
      }
    },
  );

  it.each(["localhost:7481", "127.0.0.1:7481", "[::1]:7481", "LOCALHOST"])(
    "passes the Host %s",
    async (host) => {
      expect((await ask("/v1/agents", { headers: { host } })).status).toBe(200);
    },
  );

  it("passes names that are listed", async () => {
    app = make({ token: TOKEN, hosts: ["hawser.example.com"] });
    expect((await ask("/v1/agents", { headers: { host: "hawser.example.com" } })).status).toBe(200);
    expect((await ask("/v1/agents", { headers: { host: "other.example.com" } })).status).toBe(421);
  });

  it.each([
    ["https://evil.example", 403],
    ["http://localhost:3000", 403],
    ["null", 403],
    ["http://localhost:7481", 201],
  ])("may change something from the origin %s: %d", async (origin, status) => {
    expect((await ask(WEB, { ...put, headers: { origin } })).status).toBe(status);
    const form = { method: "POST", headers: { origin, "content-type": "text/plain" } };
    expect((await ask("/v1/agents/edge-1/dead-letters/1/requeue", form)).status).toBe(
      status === 403 ? 403 : 404,
    );
    expect((await ask("/v1/agents", { headers: { origin } })).status).toBe(200);
  });
});

describe("guesses", () => {
  const guess = async (client: string): Promise<Response> =>
    ask("/v1/info", { token: "a-wrong-token-of-a-guesser", client });

  it("are slowed for their address alone", async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 25; count += 1) statuses.push((await guess("10.0.0.9")).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    const told = await guess("10.0.0.9");
    expect([told.status, told.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await guess("10.0.0.8")).status).toBe(401);
    await virtual.advance(1_000);
    expect((await guess("10.0.0.9")).status).toBe(401);
    expect((await guess("10.0.0.9")).status).toBe(429);
  });

  it("do not shut out the right token from the same address, nor one that was never used there", async () => {
    for (let count = 0; count < 100; count += 1) {
      await guess("10.0.0.6");
      expect((await ask("/v1/info", { client: "10.0.0.6" })).status).toBe(200);
    }
    expect((await guess("10.0.0.6")).status).toBe(429);
  });

  it("are counted", async () => {
    const count = async (): Promise<string | undefined> =>
      /^hawser_api_refusals_total\{status="401"\} (\d+)$/m.exec(await metrics.registry.metrics())?.[1];
    const before = Number(await count());
    await ask("/v1/info", { token: "" });
    await ask("/v1/info", { token: "wrong" });
    expect(Number(await count())).toBe(before + 2);
  });
});

describe("the log", () => {
  it("tells who changed what, from where, and never the token", async () => {
    await ask(`${WEB}?dryRun=true`, put);
    await ask("/v1/admission", { method: "PATCH", body: '{"ratePerSecond":7}' });
    await ask("/v1/admission", { method: "PATCH", body: '{"ratePerSecond":0.001}' });
    await ask("/v1/agents");
    expect(lines).toMatchObject([
      {
        level: "info",
        caller: "deploys",
        address: "10.0.0.1:4711",
        method: "PUT",
        path: WEB,
        agent: "edge-1",
        status: 200,
        request_id: expect.any(String),
      },
      { method: "PATCH", path: "/v1/admission", status: 200 },
      { method: "PATCH", path: "/v1/admission", status: 400 },
    ]);
    expect(JSON.stringify(lines)).not.toContain(TOKEN);
  });

  it("tells of refusals, as many as fit, and how many it left out", async () => {
    for (let count = 0; count < 30; count += 1) await ask("/v1/agents", { token: "" });
    expect(lines).toHaveLength(20);
    expect(lines[0]).toMatchObject({ level: "warn", status: 401, method: "GET", address: "10.0.0.1:4711" });
    await virtual.advance(1_000);
    await ask("/v1/agents", { token: "" });
    expect(lines.at(-1)).toMatchObject({ left_out: 10 });
  });
});

describe("documents", () => {
  it.each(["/openapi.json", "/docs"])("%s is made once, and not sent to who has it", async (path) => {
    const first = await ask(path, { token: "" });
    const etag = first.headers.get("etag") ?? "";
    expect([first.status, first.headers.get("cache-control")]).toEqual([200, "no-cache"]);
    const again = await ask(path, { token: "", headers: { "if-none-match": `"x", ${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });
});

describe("tokens that are replaced", () => {
  it("end the streams that were opened with them", async () => {
    const tokens = new ApiTokens([{ token: TOKEN }]);
    app = make({ token: tokens });
    const response = await ask("/v1/streams/agents");
    expect(response.status).toBe(200);
    tokens.replace([{ token: `${TOKEN}-2` }]);
    expect(await response.text()).toContain("synced");
    expect((await ask("/v1/agents")).status).toBe(401);
  });
});
