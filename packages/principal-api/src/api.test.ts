import { createPrincipalMetrics } from "@hawser/metrics";
import { createPrincipal, type Principal } from "@hawser/principal";
import { PROTOCOL_VERSIONS } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "./api.js";

const WEB = "/v1/agents/edge-1/resources/ConfigFile/web";
const TOKEN = "correct-horse-battery";

let principal: Principal;

beforeEach(async () => {
  const store = createMemoryStore();
  await store.start();
  principal = createPrincipal({ store, acceptors: [] });
  return async () => {
    await principal.stop();
    await store.stop();
  };
});

describe("health and information", () => {
  it("is alive always and ready while it is open", async () => {
    const app = createApi({ principal, version: "9.9.9" });
    const ready = async (): Promise<unknown> => {
      const response = await app.request("/readyz");
      return [response.status, await response.json()];
    };
    expect(await ready()).toEqual([503, { state: "stopped", gate: { kind: "closed" } }]);
    await principal.start();
    expect(await ready()).toEqual([200, { state: "open", gate: { kind: "open", by: "conditions" } }]);
    expect(await (await app.request("/v1/info")).json()).toEqual({
      version: "9.9.9",
      protocolVersions: [...PROTOCOL_VERSIONS],
      state: "open",
    });
    await principal.drain({ windowMs: 0, reason: "test" });
    expect(await ready()).toMatchObject([503, { state: "draining" }]);
    expect((await app.request("/livez")).status).toBe(200);
  });
});

describe("what is not served", () => {
  it("answers an unknown path with a problem", async () => {
    const response = await createApi({ principal }).request("/v2/agents");
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      code: "not_found",
      detail: "there is nothing at /v2/agents",
    });
    expect((await createApi({ principal }).request("/metrics")).status).toBe(404);
  });

  it.each([
    ["POST", WEB, "GET, HEAD, PUT, DELETE"],
    ["PATCH", WEB, "GET, HEAD, PUT, DELETE"],
    ["GET", "/v1/agents/edge-1/events", "POST"],
    ["DELETE", "/v1/agents", "GET, HEAD"],
    ["PUT", "/v1/agents/edge-1", "GET, HEAD, DELETE"],
    ["POST", "/v1/agents/edge-1/dead-letters", "GET, HEAD"],
    ["GET", "/v1/agents/edge-1/dead-letters/1", "DELETE"],
    ["GET", "/v1/agents/edge-1/dead-letters/1/requeue", "POST"],
    ["POST", "/livez", "GET, HEAD"],
    ["OPTIONS", "/metrics", "GET, HEAD"],
  ])("answers %s %s with 405 and what is allowed", async (method, path, allow) => {
    const app = createApi({ principal, metrics: createPrincipalMetrics({ process: false }) });
    const response = await app.request(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining(method) });
  });
});

describe("with a token", () => {
  it("lets in who shows it", async () => {
    const app = createApi({ principal, token: TOKEN });
    for (const authorization of [`Bearer ${TOKEN}`, `bearer  ${TOKEN}`]) {
      expect((await app.request("/v1/agents", { headers: { authorization } })).status).toBe(200);
    }
  });

  it.each([
    ["none", {}, "Bearer"],
    ["another", { authorization: "Bearer wrong" }, 'Bearer error="invalid_token"'],
    ["a part of it", { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 'Bearer error="invalid_token"'],
    ["a longer one", { authorization: `Bearer ${TOKEN}x` }, 'Bearer error="invalid_token"'],
    ["another scheme", { authorization: `Basic ${TOKEN}` }, "Bearer"],
    ["two", { authorization: `Bearer ${TOKEN} ${TOKEN}` }, "Bearer"],
  ])("keeps out who shows %s", async (_what, headers, challenge) => {
    const app = createApi({ principal, token: TOKEN, metrics: createPrincipalMetrics({ process: false }) });
    for (const path of ["/v1/agents", "/v1/info", "/metrics", WEB, "/nothing", "/livez/", "//livez"]) {
      const response = await app.request(path, { headers });
      expect(response.status, path).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe(challenge);
      expect(await response.json()).toMatchObject({ code: "unauthenticated" });
    }
  });

  it("answers orchestrators without one", async () => {
    const app = createApi({ principal, token: TOKEN });
    expect((await app.request("/livez")).status).toBe(200);
    expect((await app.request("/readyz")).status).toBe(503);
  });

  it.each(["", "with space", "line\nbreak", "größe"])("refuses %j as a token", (token) => {
    expect(() => createApi({ principal, token })).toThrow(
      expect.objectContaining({ code: "invalid_config" }),
    );
  });
});

describe("browsers", () => {
  it("does not let a page of another origin change anything", async () => {
    const app = createApi({ principal });
    const send = async (site: string): Promise<number> => {
      const headers = { "sec-fetch-site": site };
      return (await app.request(WEB, { method: "PUT", headers, body: '{"spec":1}' })).status;
    };
    expect(await send("cross-site")).toBe(403);
    expect(await send("same-site")).toBe(403);
    expect(await send("same-origin")).toBe(201);
    expect(await send("none")).toBe(200);
    expect((await app.request(WEB, { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
  });
});

describe("faults of this process", () => {
  it("are told by name only", async () => {
    const broken: Principal = {
      ...principal,
      agent: () => Promise.reject(new Error("/var/lib/hawser is gone")),
    };
    const response = await createApi({ principal: broken }).request("/v1/agents/a");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("/var/lib");
  });
});
