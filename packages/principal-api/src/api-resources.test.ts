import { createPrincipal, type Principal } from "@hawser/principal";
import { LIMITS } from "@hawser/protocol";
import { createMemoryStore } from "@hawser/store";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "./api.js";

const WEB = "/v1/agents/edge-1/resources/ConfigFile/web";

let app: Hono;
let principal: Principal;

beforeEach(async () => {
  const store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  app = createApi({ principal });
  return async () => {
    await principal.stop();
  };
});

function put(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Response | Promise<Response> {
  return app.request(path, {
    method: "PUT",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function putSpec(path: string, spec: unknown): Promise<{ version: string }> {
  return (await (await put(path, { spec })).json()) as { version: string };
}

describe("PUT", () => {
  it("creates, changes and leaves alone", async () => {
    const created = await put(WEB, { spec: { a: 1 } });
    expect(created.status).toBe(201);
    const first = (await created.json()) as Record<string, unknown>;
    expect(first).toMatchObject({
      agent: "edge-1",
      kind: "ConfigFile",
      name: "web",
      state: "pending",
      version: "1",
      spec: { a: 1 },
    });
    expect(first["updatedAt"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(created.headers.get("etag")).toBe('"1"');

    const same = await put(WEB, { spec: { a: 1 } });
    expect([same.status, same.headers.get("etag")]).toEqual([200, '"1"']);

    const changed = await put(WEB, { spec: { a: 2 } });
    expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"2"']);
    expect(await changed.json()).toMatchObject({ uid: first["uid"], version: "2", spec: { a: 2 } });
  });

  it("takes any JSON as spec, null too", async () => {
    for (const spec of [null, 0, false, "", []]) {
      const response = await put(WEB, { spec });
      expect(response.status).toBeLessThan(300);
      expect(await response.json()).toMatchObject({ spec });
    }
  });

  it("honours If-None-Match: *", async () => {
    expect((await put(WEB, { spec: 1 }, { "if-none-match": "*" })).status).toBe(201);
    const refused = await put(WEB, { spec: 2 }, { "if-none-match": "*" });
    expect(refused.status).toBe(412);
    expect(await refused.json()).toMatchObject({ code: "conflict", status: 412, agent: "edge-1" });
    expect(await (await app.request(WEB)).json()).toMatchObject({ spec: 1 });
  });

  it("honours If-Match with a version", async () => {
    const { version } = await putSpec(WEB, 1);
    expect((await put(WEB, { spec: 2 }, { "if-match": `"${version}"` })).status).toBe(200);
    const stale = await put(WEB, { spec: 3 }, { "if-match": `"${version}"` });
    expect(stale.status).toBe(412);
    expect(await (await app.request(WEB)).json()).toMatchObject({ spec: 2 });
  });

  it("honours If-Match: *", async () => {
    expect((await put(WEB, { spec: 1 }, { "if-match": "*" })).status).toBe(412);
    await putSpec(WEB, 1);
    expect((await put(WEB, { spec: 2 }, { "if-match": "*" })).status).toBe(200);
    await app.request(WEB, { method: "DELETE" });
    expect((await put(WEB, { spec: 3 }, { "if-match": "*" })).status).toBe(412);
  });

  it.each([
    ["a weak tag", { "if-match": 'W/"1"' }],
    ["a tag without quotes", { "if-match": "1" }],
    ["a list", { "if-match": '"1", "2"' }],
    ["version 0", { "if-match": '"0"' }],
    ["If-None-Match with a tag", { "if-none-match": '"1"' }],
    ["both conditions", { "if-match": "*", "if-none-match": "*" }],
  ])("refuses %s as a condition", async (_what, headers) => {
    const response = await put(WEB, { spec: 1 }, headers);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_message",
      detail: expect.stringMatching(/match/i),
    });
    expect((await app.request(WEB)).status).toBe(404);
  });

  it.each([
    ["an empty body", "", "empty"],
    [
      "a number that is not kept",
      '{\n  "spec": {"id": 9007199254740993}\n}',
      "line 2, column 18: 9007199254740993 cannot be kept exactly",
    ],
    ["a number that is infinite", '{"spec": 1e400}', "line 1, column 10: 1e400 cannot be kept exactly"],
    ["broken JSON, with its place", '{\n  "spec": {,}\n}', "line 2, column 12"],
    ["another type", "[]", "object"],
    ["no spec", "{}", "spec is wrong: is missing"],
    ["an unknown field", '{"spec": 1, "sepc": 2}', "sepc"],
    ["__proto__ as a field", '{"spec": 1, "__proto__": {}}', "__proto__"],
  ])("refuses %s", async (_what, body, named) => {
    const response = await put(WEB, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_message",
      detail: expect.stringContaining(named),
    });
  });

  it("refuses a body that is not UTF-8", async () => {
    const response = await app.request(WEB, { method: "PUT", body: Buffer.from([0x22, 0xff, 0x22]) });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: "the body is not UTF-8" });
  });

  it("refuses a spec that is nested too deeply, and one that is too large", async () => {
    const deep = await put(WEB, `{"spec": ${"[".repeat(600)}${"]".repeat(600)}}`);
    expect([deep.status, await deep.json()]).toEqual([
      400,
      expect.objectContaining({ code: "invalid_event" }),
    ]);
    const large = await put(WEB, { spec: "x".repeat(LIMITS.maxEventBytes) });
    expect([large.status, await large.json()]).toEqual([
      413,
      expect.objectContaining({ code: "event_too_large" }),
    ]);
  });

  it.each([
    ["/v1/agents/Edge/resources/ConfigFile/web", "invalid_agent_name", "lower case"],
    ["/v1/agents/edge-1/resources/configfile/web", "invalid_event", "kind"],
    ["/v1/agents/edge-1/resources/ConfigFile/Web", "invalid_event", "name"],
    ["/v1/agents/edge-1/resources/ConfigFile/a%2Fb", "invalid_event", "a/b"],
    ["/v1/agents/edge-1/resources/ConfigFile/%zz", "invalid_event", "%zz"],
  ])("refuses %s", async (path, code, named) => {
    const response = await put(path, { spec: 1 });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code, detail: expect.stringContaining(named) });
  });

  it("says that a mailbox is full, and when to come back", async () => {
    const store = createMemoryStore({ limits: { maxEntries: 1 } });
    const full = createPrincipal({ store, acceptors: [] });
    await full.start();
    app = createApi({ principal: full });
    expect((await put(WEB, { spec: 1 })).status).toBe(201);
    const refused = await put(`${WEB}-2`, { spec: 1 });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await refused.json()).toMatchObject({ code: "mailbox_full", agent: "edge-1" });
    expect((await app.request(`${WEB}-2`)).status).toBe(404);
    await full.stop();
  });
});

describe("GET and DELETE", () => {
  it("answers 404 for what is not there", async () => {
    for (const method of ["GET", "DELETE"]) {
      const response = await app.request(WEB, { method });
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({
        type: "urn:hawser:error:not_found",
        detail: "agent edge-1 has no resource ConfigFile/web",
        agent: "edge-1",
      });
    }
  });

  it("reads back what was put, and is never answered from a cache", async () => {
    await putSpec(WEB, { a: "€" });
    const response = await app.request(WEB);
    expect(response.headers.get("etag")).toBe('"1"');
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({ spec: { a: "€" }, state: "pending" });
    const head = await app.request(WEB, { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, '"1"', ""]);
  });

  it("accepts a delete, shows it until the agent knows, and honours If-Match", async () => {
    await putSpec(WEB, 1);
    expect((await app.request(WEB, { method: "DELETE", headers: { "if-match": '"9"' } })).status).toBe(412);
    const nonsense = await app.request(WEB, { method: "DELETE", headers: { "if-none-match": "*" } });
    expect(nonsense.status).toBe(400);
    const deleted = await app.request(WEB, { method: "DELETE", headers: { "if-match": '"1"' } });
    expect(deleted.status).toBe(202);
    expect(await deleted.json()).toMatchObject({ state: "deleting", version: "2" });
    expect(await (await app.request(WEB)).json()).toMatchObject({ state: "deleting" });
  });
});

describe("the list", () => {
  it("pages through all resources in order", async () => {
    const names = ["a", "b", "c", "d", "e"];
    for (const name of names.toReversed()) await putSpec(`/v1/agents/edge-1/resources/Task/${name}`, name);
    await putSpec("/v1/agents/edge-2/resources/Task/x", 1);
    const seen: string[] = [];
    let pages = 0;
    for (let next: string | null = ""; next !== null; pages += 1) {
      const query: string = next === "" ? "limit=2" : `limit=2&after=${encodeURIComponent(next)}`;
      const response = await app.request(`/v1/agents/edge-1/resources?${query}`);
      const page = (await response.json()) as { items: { name: string }[]; next: string | null };
      seen.push(...page.items.map(({ name }) => name));
      next = page.next;
    }
    expect(seen).toEqual(names);
    expect(pages).toBe(3);
  });

  it("says that the last page is the last, also when it is full", async () => {
    for (const name of ["a", "b"]) await putSpec(`/v1/agents/edge-1/resources/Task/${name}`, 1);
    expect(await (await app.request("/v1/agents/edge-1/resources?limit=2")).json()).toMatchObject({
      next: null,
    });
    expect(await (await app.request("/v1/agents/nobody/resources")).json()).toEqual({
      items: [],
      next: null,
    });
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=501", "limit"],
    ["limit=-1", "limit"],
    ["limit=ten", "limit"],
    ["limit=", "limit"],
    ["limt=1", "limt"],
    ["after=a&after=b", "twice"],
  ])("refuses ?%s", async (query, named) => {
    const response = await app.request(`/v1/agents/edge-1/resources?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_message",
      detail: expect.stringContaining(named),
    });
  });

  it("takes the largest limit", async () => {
    expect((await app.request("/v1/agents/edge-1/resources?limit=500")).status).toBe(200);
  });
});
