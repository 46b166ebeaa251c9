import { createPrincipalMetrics } from "@hawser/metrics";
import { createPrincipal } from "@hawser/principal";
import { createMemoryStore, type Store } from "@hawser/store";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "./api.js";
import { BATCH, MAX_BATCH_BYTES, MAX_BATCH_EVENTS } from "@hawser/http-binding";

const EVENTS = "/v1/agents/edge-1/events";
const ROOM = 4;

let app: Hono;
let store: Store;
let metrics: () => Promise<string>;

beforeEach(async () => {
  store = createMemoryStore({ limits: { maxEntries: MAX_BATCH_EVENTS } });
  const counted = createPrincipalMetrics({ process: false });
  metrics = () => counted.registry.metrics();
  const principal = createPrincipal({ store, acceptors: [], observer: counted.observer });
  await principal.start();
  app = createApi({ principal, metrics: counted });
  return async () => {
    await principal.stop();
  };
});

function event(id: string, more: object = {}): object {
  return {
    specversion: "1.0",
    id,
    source: "/test",
    type: "com.example.ping",
    resourceid: `web_${id}`,
    ...more,
  };
}

async function post(body: string, type = BATCH, path = EVENTS): Promise<[number, unknown]> {
  const response = await app.request(path, { method: "POST", headers: { "content-type": type }, body });
  return [response.status, await response.json()];
}

function sendBatch(...items: readonly unknown[]): Promise<[number, unknown]> {
  return post(JSON.stringify(items));
}

async function pending(): Promise<number> {
  return (await store.stats("edge-1"))?.pending ?? 0;
}

describe("a batch", () => {
  it("is accepted in the order given, each event once", async () => {
    const answer = await sendBatch(event("a"), event("b", { data: { n: 1 } }), event("a"));
    expect(answer).toEqual([
      202,
      {
        items: [
          { resourceid: "web_a", eventid: "1", duplicate: false },
          { resourceid: "web_b", eventid: "2", duplicate: false },
          { resourceid: "web_a", eventid: "1", duplicate: true },
        ],
      },
    ]);
    expect(await sendBatch(event("b"), event("c"))).toMatchObject([
      202,
      { items: [{ eventid: "2", duplicate: true }, { duplicate: false }] },
    ]);
    expect(await pending()).toBe(3);
  });

  it("may be empty", async () => {
    expect(await sendBatch()).toEqual([202, { items: [] }]);
    expect(await pending()).toBe(0);
  });

  it("takes what is right although there is garbage in it, and counts what is not", async () => {
    const [status, answer] = await sendBatch(
      event("a"),
      7,
      null,
      [event("x")],
      event("b", { resourceid: undefined }),
      event("c", { type: "hawser.made.up.v1" }),
      event("d", { eventid: "1" }),
      event("e", { data: "x", data_base64: "AA==" }),
      event("f", { data: "x".repeat(1_000_001) }),
      event("g"),
    );
    const refused = (code: string, status = 400): unknown => ({
      error: expect.objectContaining({
        type: `urn:hawser:error:${code}`,
        status,
        code,
        detail: expect.stringMatching(/\w/),
        requestId: expect.stringMatching(/\w/),
      }),
    });
    expect([status, answer]).toEqual([
      202,
      {
        items: [
          { resourceid: "web_a", eventid: "1", duplicate: false },
          refused("invalid_event"),
          refused("invalid_event"),
          refused("invalid_event"),
          refused("missing_resourceid"),
          refused("unknown_type"),
          refused("invalid_event"),
          refused("invalid_event"),
          refused("event_too_large", 413),
          { resourceid: "web_g", eventid: "2", duplicate: false },
        ],
      },
    ]);
    expect(await pending()).toBe(2);
    expect(await metrics()).toContain('rejected_total{agent="other",code="invalid_event"} 5');
  });

  it("is refused item by item from where the mailbox is full, and may be repeated", async () => {
    const filler = Array.from({ length: MAX_BATCH_EVENTS - ROOM }, (_, index) => event(`filler-${index}`));
    expect((await sendBatch(...filler))[0]).toBe(202);
    const batch = Array.from({ length: 2 * ROOM }, (_, index) => event(`${index}`));
    for (const duplicate of [false, true]) {
      const [status, { items }] = (await sendBatch(...batch)) as [number, { items: unknown[] }];
      expect(status).toBe(202);
      for (const item of items.slice(0, ROOM)) expect(item).toMatchObject({ duplicate });
      for (const item of items.slice(ROOM)) {
        expect(item).toMatchObject({ error: { code: "mailbox_full", status: 429, agent: "edge-1" } });
      }
    }
    expect(await pending()).toBe(MAX_BATCH_EVENTS);
  });

  it("may hold so many events and not one more", async () => {
    const batch = Array.from({ length: MAX_BATCH_EVENTS + 1 }, (_, index) => event(`${index}`));
    expect(await sendBatch(...batch)).toMatchObject([
      413,
      { code: "event_too_large", detail: expect.stringContaining("at most 1000 events, and this one 1001") },
    ]);
    expect(await pending()).toBe(0);
    const [, { items }] = (await sendBatch(...batch.slice(1))) as [number, { items: unknown[] }];
    expect(items).toHaveLength(MAX_BATCH_EVENTS);
    expect(await pending()).toBe(MAX_BATCH_EVENTS);
  });

  it("may have so many bytes and not one more", async () => {
    const body = `[${JSON.stringify(event("a"))}]`.padEnd(MAX_BATCH_BYTES, " ");
    expect(await post(`${body} `)).toMatchObject([
      413,
      { code: "event_too_large", detail: expect.stringContaining(`${MAX_BATCH_BYTES} bytes`) },
    ]);
    expect(await pending()).toBe(0);
    expect((await post(body))[0]).toBe(202);
  });

  it.each([
    ["nothing", "", 400, "empty"],
    ["a number that is not kept", '[{"data":\n9007199254740993}]', 400, "line 2, column 1: 9007199254740993"],
    ["broken JSON, with its place", '[{"id": 1},\n{"id" 2}]', 400, "line 2, column 7"],
    ["one event", JSON.stringify(event("a")), 400, "array"],
  ])("is refused as a whole when it is %s", async (_what, body, status, detail) => {
    expect(await post(body)).toMatchObject([
      status,
      { code: "invalid_event", detail: expect.stringContaining(detail) },
    ]);
    expect(await pending()).toBe(0);
    expect(await metrics()).toContain('rejected_total{agent="other",code="invalid_event"} 1');
  });

  it("is refused in another charset", async () => {
    expect(await post("[]", `${BATCH}; charset=latin1`)).toMatchObject([415, { code: "invalid_event" }]);
  });

  it("does not fall over data that is nested as deep as it can be", async () => {
    const deep = `[${JSON.stringify(event("a")).slice(0, -1)},"data":${"[".repeat(5_000)}${"]".repeat(5_000)}}]`;
    expect(await post(deep)).toMatchObject([
      202,
      { items: [{ error: { code: "invalid_event", detail: expect.stringContaining("512 levels") } }] },
    ]);
  });

  it("names a bad agent for each event", async () => {
    expect(await post(JSON.stringify([event("a")]), BATCH, "/v1/agents/Bad_Name/events")).toMatchObject([
      202,
      { items: [{ error: { code: "invalid_agent_name" } }] },
    ]);
  });
});
