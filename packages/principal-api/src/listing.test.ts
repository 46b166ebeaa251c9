import { createPrincipal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "./api.js";

let app: Hono;

beforeEach(async () => {
  const store = createMemoryStore();
  const principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  app = createApi({ principal, version: "9.9.9" });
  return async () => {
    await principal.stop();
  };
});

function put(path: string, spec: unknown): Response | Promise<Response> {
  return app.request(path, { method: "PUT", body: JSON.stringify({ spec }) });
}

async function json(path: string): Promise<Record<string, unknown>> {
  return (await (await app.request(path)).json()) as Record<string, unknown>;
}

async function names(path: string): Promise<string[]> {
  const found: string[] = [];
  let after = "";
  for (;;) {
    const { items, next } = (await json(`${path}${after}`)) as {
      items: { name: string }[];
      next: string | null;
    };
    found.push(...items.map(({ name }) => name));
    if (next === null) return found;
    after = `&after=${encodeURIComponent(next)}`;
  }
}

describe("agents", () => {
  beforeEach(async () => {
    for (const [agent, pending] of [
      ["edge", 2],
      ["edge-1", 1],
      ["edge-2", 3],
      ["edge.3", 1],
      ["edgf", 5],
      ["a", 0],
    ] as const) {
      for (let n = 0; n < pending; n += 1) await put(`/v1/agents/${agent}/resources/Task/t${n}`, n);
    }
  });

  it("finds a prefix, the name that equals it too, page by page", async () => {
    expect(await names("/v1/agents?name=edge&limit=2")).toEqual(["edge", "edge-1", "edge-2", "edge.3"]);
    expect(await names("/v1/agents?name=edge-&limit=1")).toEqual(["edge-1", "edge-2"]);
    expect(await names("/v1/agents?name=zz")).toEqual([]);
  });

  it.each(["1", "2", "500"])(
    "sorts by pending, agents with the same number by name (limit %s)",
    async (limit) => {
      const sorted = ["edge-1", "edge.3", "edge", "edge-2", "edgf"];
      expect(await names(`/v1/agents?sort=pending&limit=${limit}`)).toEqual(sorted);
      expect(await names(`/v1/agents?sort=pending&order=desc&limit=${limit}`)).toEqual(sorted.toReversed());
    },
  );

  it("sorts by name backwards, under a filter", async () => {
    expect(await names("/v1/agents?order=desc&name=edge&limit=3")).toEqual([
      "edge.3",
      "edge-2",
      "edge-1",
      "edge",
    ]);
    expect(await names("/v1/agents?order=desc&state=connected")).toEqual([]);
  });

  it.each(["sort=age", "order=up", "name=A", "state=on", "sort=pending&after=edge", "colour=red"])(
    "refuses %s and says what is taken",
    async (query) => {
      const response = await app.request(`/v1/agents?${query}`);
      expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_message" }]);
    },
  );

  it("sums all up in the status", async () => {
    expect(await json("/v1/status")).toMatchObject({
      state: "open",
      version: "9.9.9",
      agents: { connected: 0, known: 5 },
      pending: 12,
      deadLetters: 0,
      sessionsByTransport: {},
    });
  });
});

describe("resources", () => {
  it("finds a kind and a state, not a kind that begins alike", async () => {
    const base = "/v1/agents/edge/resources";
    for (const path of ["Task/a", "Task/b", "Task2/a", "ConfigFile/z"]) await put(`${base}/${path}`, 1);
    expect(await names(`${base}?kind=Task&limit=1`)).toEqual(["a", "b"]);
    expect(await names(`${base}?state=pending`)).toHaveLength(4);
    expect(await names(`${base}?state=delivered`)).toEqual([]);
    expect((await app.request(`${base}?state=lost`)).status).toBe(400);
  });
});

describe("a dry run", () => {
  const web = "/v1/agents/edge/resources/ConfigFile/web";

  it("says what would be, and writes nothing", async () => {
    expect(await (await put(`${web}?dryRun=true`, 1)).json()).toMatchObject({
      result: "created",
      version: "0",
      dryRun: true,
    });
    expect((await app.request(web)).status).toBe(404);
    expect(await (await put(web, 1)).json()).toMatchObject({ result: "created", version: "1" });
    expect(await (await put(`${web}?dryRun=true`, 2)).json()).toMatchObject({
      result: "updated",
      spec: 2,
      version: "1",
    });
    expect(await (await put(`${web}?dryRun=true`, 1)).json()).toMatchObject({
      result: "unchanged",
      dryRun: true,
    });
    const gone = await app.request(`${web}?dryRun=true`, { method: "DELETE" });
    expect([gone.status, await gone.json()]).toMatchObject([200, { state: "deleting", dryRun: true }]);
    expect(await json(web)).toMatchObject({ spec: 1, version: "1", state: "pending" });
  });

  it("holds against conditions and limits as the real one does", async () => {
    const headers = { "if-match": '"7"' };
    const body = JSON.stringify({ spec: 1 });
    expect((await app.request(`${web}?dryRun=true`, { method: "PUT", headers, body })).status).toBe(412);
    expect((await put(`${web}?dryRun=yes`, 1)).status).toBe(400);
    expect((await put(`${web}?dry=true`, 1)).status).toBe(400);
  });
});

describe("request ids", () => {
  it("keeps the caller's and replaces what is no id", async () => {
    const ask = async (id: string): Promise<string | null> =>
      (await app.request("/livez", { headers: { "x-request-id": id } })).headers.get("x-request-id");
    expect(await ask("a.B_9-")).toBe("a.B_9-");
    expect(await ask("x".repeat(128))).toBe("x".repeat(128));
    expect(await ask("x".repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask("a b")).toMatch(/^[0-9a-f-]{36}$/);
    const refused = await app.request("/nothing", { headers: { "x-request-id": "r1" } });
    expect(await refused.json()).toMatchObject({ requestId: "r1" });
    expect(refused.headers.get("x-request-id")).toBe("r1");
  });
});
