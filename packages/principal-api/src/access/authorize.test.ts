import { HttpError } from "@hawser/http-binding";
import { createPrincipal, type Principal } from "@hawser/principal";
import { HawserError } from "@hawser/protocol";
import { entryLogger } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi, type ApiOptions } from "../api.js";
import type { ApiRequest, ApiVerdict, Authorize } from "./authorize.js";
import { MAX_PENDING_AUTHORIZATIONS } from "./authorize.js";

const WEB = "/v1/agents/edge-1/resources/Task/web";
const PUT = { method: "PUT", body: '{"spec":1}' } as const;
const ADA: ApiVerdict = { ok: true, actor: "ada" };
const SECRET = "the password of the directory is hunter2";

let world: VirtualRuntime;
let principal: Principal;
let lines: Readonly<Record<string, unknown>>[];

beforeEach(async () => {
  world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  const store = createMemoryStore({ runtime });
  await store.start();
  principal = createPrincipal({ store, runtime, acceptors: [], stop: { windowMs: 0 } });
  await principal.start();
  lines = [];
  return async () => {
    const stopped = principal.stop();
    await world.advance(10_000);
    await stopped;
    await store.stop();
  };
});

function apiWith(authorize: Authorize, options: Partial<ApiOptions> = {}): Hono {
  const logger = entryLogger("info", (entry) => lines.push(entry));
  return createApi({ principal, logger, runtime: world.runtime, authorize, ...options });
}

describe("a program's own judge", () => {
  it("sees the head of the request, with its path below the mount", async () => {
    const seen: ApiRequest[] = [];
    const app = apiWith(
      (request) => {
        seen.push(request);
        return ADA;
      },
      { basePath: "/control/hawser" },
    );
    const headers = { cookie: "session=1" };
    expect((await app.request(`/control/hawser${WEB}?force=true`, { ...PUT, headers })).status).toBe(201);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ method: "PUT", path: WEB, address: undefined, incoming: undefined });
    expect(seen[0]?.headers.get("cookie")).toBe("session=1");
  });

  it.each([
    ["at once", (): ApiVerdict => ADA],
    ["later", async (): Promise<ApiVerdict> => ADA],
  ])("lets in %s, and its name is in the log of changes", async (_name, authorize) => {
    expect((await apiWith(authorize).request(WEB, PUT)).status).toBe(201);
    expect(lines).toContainEqual(expect.objectContaining({ caller: "ada", method: "PUT", path: WEB }));
  });

  it("bounds the name that the log is given", async () => {
    await apiWith(() => ({ ok: true, actor: "a".repeat(10_000) })).request(WEB, PUT);
    expect(lines.find(({ method }) => method === "PUT")?.["caller"]).toBe("a".repeat(256));
  });

  it.each([
    [new HawserError("unauthenticated", "log in first"), 401, "Bearer"],
    [new HawserError("forbidden", "operators only"), 403, null],
    [new HawserError("overloaded", "the directory is busy"), 503, null],
    [
      new HttpError(401, "unauthenticated", "by ticket", { headers: { "www-authenticate": "Negotiate" } }),
      401,
      "Negotiate",
    ],
  ])("refuses with its error: %s", async (error, status, challenge) => {
    for (const authorize of [
      (): ApiVerdict => ({ ok: false, error }),
      async (): Promise<ApiVerdict> => ({ ok: false, error }),
    ]) {
      const response = await apiWith(authorize).request(WEB, PUT);
      expect(response.status).toBe(status);
      expect(response.headers.get("www-authenticate")).toBe(challenge);
      expect(await response.json()).toMatchObject({ code: error.code, detail: error.message });
    }
    expect(await principal.resources.get("edge-1", "Task", "web")).toBeUndefined();
  });

  it("may say who it has refused, for the log alone", async () => {
    const error = new HawserError("forbidden", "operators only");
    const response = await apiWith(() => ({ ok: false, error, actor: "bob" })).request(WEB, PUT);
    expect(await response.text()).not.toContain("bob");
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: "warn",
        caller: "bob",
        status: 403,
        msg: "a request to the API was refused",
      }),
    );
  });

  it("says which challenge goes with 401", async () => {
    const error = new HawserError("unauthenticated", "log in first");
    const app = apiWith(() => ({ ok: false, error, challenge: 'Cookie realm="panel"' }));
    expect((await app.request("/v1/status")).headers.get("www-authenticate")).toBe('Cookie realm="panel"');
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error(SECRET);
      },
    ],
    [
      "throws a refusal",
      () => {
        throw new HawserError("unauthenticated", SECRET);
      },
    ],
    ["rejects", () => Promise.reject(new Error(SECRET))],
    ["answers nothing", () => undefined],
    ["answers yes", () => true],
    ["answers yes later", () => Promise.resolve(true)],
    ["lets in nobody", () => ({ ok: true })],
    ["lets in an empty name", () => ({ ok: true, actor: "" })],
    ["refuses without an error", () => ({ ok: false })],
    [
      "refuses somebody who is no name",
      () => ({ ok: false, error: new HawserError("forbidden", "no"), actor: 7 }),
    ],
    ["is not sure", () => ({ ok: "yes", actor: "ada" })],
  ])("lets nobody in where it %s, and tells nobody but the log", async (_name, authorize) => {
    const response = await apiWith(authorize as Authorize).request(WEB, PUT);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).not.toContain(SECRET);
    expect(JSON.parse(text)).toMatchObject({ code: "internal" });
    expect(lines.find(({ level }) => level === "error")).toMatchObject({ code: "internal" });
    expect(await principal.resources.get("edge-1", "Task", "web")).toBeUndefined();
  });

  it("is waited for so long and no longer", async () => {
    const app = apiWith(() => new Promise(() => {}), { authorizeTimeoutMs: 1_000 });
    const asked = app.request(WEB, PUT);
    await world.advance(1_000);
    const response = await asked;
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ code: "timeout" });
    expect(await principal.resources.get("edge-1", "Task", "web")).toBeUndefined();
  });

  it("may fail when nobody waits for it any more", async () => {
    let fail: (error: Error) => void = () => {};
    const app = apiWith(() => new Promise((_, reject) => (fail = reject)), { authorizeTimeoutMs: 1_000 });
    const asked = app.request(WEB, PUT);
    await world.advance(1_000);
    expect((await asked).status).toBe(504);
    fail(new Error(SECRET));
    await world.advance(0);
  });

  it("is asked so often at once and no more", async () => {
    let decide: () => void = () => {};
    const decided = new Promise<ApiVerdict>((resolve) => (decide = () => resolve(ADA)));
    let asked = 0;
    const app = apiWith(
      () => {
        asked += 1;
        return decided;
      },
      { maxRequestsPerClient: MAX_PENDING_AUTHORIZATIONS },
    );
    const answers = Array.from({ length: MAX_PENDING_AUTHORIZATIONS }, async () => app.request("/v1/info"));
    const refused = await app.request("/v1/info");
    expect(refused.status).toBe(503);
    expect(asked).toBe(MAX_PENDING_AUTHORIZATIONS);
    decide();
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]));
    expect((await app.request("/v1/info")).status).toBe(200);
  });

  it("is not asked for what tells nothing", async () => {
    const app = apiWith(() => {
      throw new Error("asked");
    });
    for (const path of ["/livez", "/readyz", "/openapi.json", "/docs"])
      expect((await app.request(path)).status).toBe(200);
  });

  it("counts the requests of each by name, wherever they come from", async () => {
    let answer: () => void = () => {};
    const answered = new Promise<undefined>((resolve) => (answer = () => resolve(undefined)));
    const slow: Principal = { ...principal, agent: () => answered };
    let actor = "ada";
    const app = apiWith(() => ({ ok: true, actor }), { principal: slow, maxRequestsPerClient: 1 });
    const first = app.request("/v1/agents/edge-1");
    await world.advance(0);
    expect((await app.request("/v1/agents/edge-1")).status).toBe(429);
    actor = "bea";
    const other = app.request("/v1/agents/edge-1");
    answer();
    expect((await other).status).toBe(404);
    expect((await first).status).toBe(404);
  });

  it("is the only one", () => {
    expect(() => apiWith(() => ADA, { token: "the-token-of-this-api" })).toThrow(/exclude each other/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    "has a time that can be (%d)",
    (authorizeTimeoutMs) => {
      expect(() => apiWith(() => ADA, { authorizeTimeoutMs })).toThrow(/authorizeTimeoutMs/);
    },
  );
});

describe("streams", () => {
  it("are refused as anything else is", async () => {
    const error = new HawserError("forbidden", "operators only");
    const response = await apiWith(() => ({ ok: false, error })).request("/v1/streams/events");
    expect(response.status).toBe(403);
  });

  it("end when their reader may ask no longer", async () => {
    const session = new AbortController();
    const app = apiWith(async () => ({ ok: true, actor: "ada", until: session.signal }));
    const response = await app.request("/v1/streams/events");
    expect(response.status).toBe(200);
    const text = response.text();
    session.abort();
    await world.advance(0);
    expect(typeof (await text)).toBe("string");
    expect((await app.request("/v1/streams/events")).status).toBe(401);
  });
});
