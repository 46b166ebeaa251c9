import { createPrincipalMetrics } from "@hawser/metrics";
import { type AgentView, createPrincipal, type Principal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { heldBy } from "./testing/held-by.js";
import type { Store } from "@hawser/store";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "./api.js";
import { MAX_BODY_BYTES } from "@hawser/http-binding";

const EVENTS = "/v1/agents/edge-1/events";
const EVENT = { specversion: "1.0", id: "1", source: "/test", type: "com.example.ping", resourceid: "web_1" };

let app: Hono;
let principal: Principal;
let store: Store;

beforeEach(async () => {
  store = createMemoryStore();
  principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  app = createApi({ principal });
  return async () => {
    await principal.stop();
  };
});

function post(event: unknown, path = EVENTS): Response | Promise<Response> {
  const headers = { "content-type": "application/cloudevents+json" };
  return app.request(path, { method: "POST", headers, body: JSON.stringify(event) });
}

async function refuseForGood(eventid: string, resourceCode: string): Promise<void> {
  const lease = await heldBy(store, "edge-1");
  await lease.deadLetter(Number(eventid), { code: resourceCode, message: "no", at: 1_767_225_600_000 });
  await lease.close();
}

describe("POST events", () => {
  it("accepts structured and binary events once they are in the mailbox", async () => {
    const structured = await post(EVENT);
    expect([structured.status, await structured.json()]).toEqual([
      202,
      { resourceid: "web_1", eventid: "1", duplicate: false },
    ]);
    const binary = await app.request(EVENTS, {
      method: "POST",
      headers: {
        ...Object.fromEntries(
          Object.entries({ ...EVENT, id: "a%20b" }).map(([name, value]) => [`ce-${name}`, value]),
        ),
        "content-type": "application/json",
      },
      body: '{"a":1}',
    });
    expect([binary.status, await binary.json()]).toEqual([
      202,
      { resourceid: "web_1", eventid: "2", duplicate: false },
    ]);
    expect((await store.stats("edge-1"))?.pending).toBe(2);
  });

  it("accepts the same source and id once, and only for the same agent", async () => {
    await post(EVENT);
    expect(await (await post({ ...EVENT, data: "other" })).json()).toEqual({
      resourceid: "web_1",
      eventid: "1",
      duplicate: true,
    });
    expect(await (await post({ ...EVENT, source: "/other" })).json()).toMatchObject({ duplicate: false });
    expect(await (await post(EVENT, "/v1/agents/edge-2/events")).json()).toMatchObject({ duplicate: false });
    expect((await store.stats("edge-1"))?.pending).toBe(2);
  });

  it("does not take one pair of source and id for another that reads the same", async () => {
    await post({ ...EVENT, source: '/a","b', id: "c" });
    expect(await (await post({ ...EVENT, source: "/a", id: 'b","c' })).json()).toMatchObject({
      duplicate: false,
    });
  });

  it.each([
    ["without resourceid", { ...EVENT, resourceid: undefined }, 400, "missing_resourceid"],
    ["with an eventid", { ...EVENT, eventid: "7" }, 400, "invalid_event"],
    ["of a type of ours", { ...EVENT, type: "hawser.made.up.v1" }, 400, "unknown_type"],
    ["that is a control message", { ...EVENT, type: "hawser.control.ack.v1" }, 400, "unknown_type"],
    ["without type", { ...EVENT, type: undefined }, 400, "invalid_event"],
  ])("refuses an event %s", async (_what, event, status, code) => {
    const response = await post(event);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    expect((await store.stats("edge-1"))?.pending ?? 0).toBe(0);
  });

  it("refuses a bad agent name", async () => {
    const response = await post(EVENT, "/v1/agents/Bad_Name/events");
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ code: "invalid_agent_name" }),
    ]);
  });

  it("answers 415 to what is no event", async () => {
    const response = await app.request(EVENTS, { method: "POST", body: "hello" });
    expect(response.status).toBe(415);
    expect(response.headers.get("accept")).toBe("application/cloudevents+json");
  });

  it("stops reading a body at the limit, whether its length was announced or not", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const streamed = await app.request(EVENTS, { method: "POST", body: endless, duplex: "half" });
    expect([streamed.status, await streamed.json()]).toEqual([
      413,
      expect.objectContaining({ code: "event_too_large" }),
    ]);
    expect(pulled * 65_536).toBeLessThanOrEqual(MAX_BODY_BYTES + 4 * 65_536);

    const announced = await app.request(EVENTS, {
      method: "POST",
      headers: { "content-length": String(MAX_BODY_BYTES + 1) },
      body: "x",
    });
    expect(announced.status).toBe(413);
    expect(announced.headers.get("connection")).toBe("close");
  });

  it("reads a body that is exactly at the limit", async () => {
    const event = JSON.stringify(EVENT).padEnd(MAX_BODY_BYTES, " ");
    const headers = { "content-type": "application/cloudevents+json" };
    expect((await app.request(EVENTS, { method: "POST", headers, body: event })).status).toBe(202);
    expect((await app.request(EVENTS, { method: "POST", headers, body: `${event} ` })).status).toBe(413);
  });
});

describe("dead letters", () => {
  it("lists and pages them, and sends one again", async () => {
    for (const id of ["1", "2", "3"]) await post({ ...EVENT, id });
    await refuseForGood("1", "handler_rejected");
    await refuseForGood("3", "expired");

    const first = (await (await app.request("/v1/agents/edge-1/dead-letters?limit=1")).json()) as {
      next: string;
    };
    expect(first).toEqual({
      items: [
        expect.objectContaining({
          agent: "edge-1",
          resourceid: "web_1",
          eventid: "1",
          type: "com.example.ping",
          code: "handler_rejected",
          message: "no",
          at: "2026-01-01T00:00:00.000Z",
        }),
      ],
      next: "1",
    });
    const rest = await app.request(`/v1/agents/edge-1/dead-letters?after=${first.next}`);
    expect(await rest.json()).toEqual({ items: [expect.objectContaining({ eventid: "3" })], next: null });

    const again = await app.request("/v1/agents/edge-1/dead-letters/1/requeue", { method: "POST" });
    expect(again.status).toBe(202);
    expect(await again.json()).toMatchObject({ eventid: "4", duplicate: false });
    const twice = await app.request("/v1/agents/edge-1/dead-letters/1/requeue", { method: "POST" });
    expect([twice.status, await twice.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
  });

  it("are discarded once, and their room is free again", async () => {
    await post(EVENT);
    await refuseForGood("1", "expired");
    const discard = async (eventid: string) =>
      app.request(`/v1/agents/edge-1/dead-letters/${eventid}`, { method: "DELETE" });
    const first = await discard("1");
    expect([first.status, await first.text()]).toEqual([204, ""]);
    const again = await discard("1");
    expect([again.status, await again.json()]).toEqual([404, expect.objectContaining({ code: "not_found" })]);
    expect((await discard("one")).status).toBe(400);
    expect(await (await app.request("/v1/agents/edge-1")).json()).toMatchObject({
      deadLetters: 0,
      mailboxBytes: 0,
    });
  });

  it("are not what a purge throws away: that is what is pending, of one resource or all of it", async () => {
    const purge = async (query = "", agent = "edge-1") => {
      const response = await app.request(`/v1/agents/${agent}/pending${query}`, { method: "DELETE" });
      return [response.status, await response.json()];
    };
    expect(await purge()).toEqual([404, expect.objectContaining({ code: "not_found" })]);
    await post(EVENT);
    await refuseForGood("1", "expired");
    for (const name of ["motd", "web"])
      await app.request(`/v1/agents/edge-1/resources/ConfigFile/${name}`, {
        method: "PUT",
        body: '{"spec":1}',
      });
    expect(await purge("?kind=ConfigFile")).toEqual([
      400,
      expect.objectContaining({ code: "invalid_message" }),
    ]);
    expect(await purge("?kind=config&name=x")).toEqual([
      400,
      expect.objectContaining({ code: "invalid_event" }),
    ]);
    expect(await purge("?kind=ConfigFile&name=motd")).toEqual([200, { purged: 1, inFlight: 0, left: 1 }]);
    expect(await purge()).toEqual([200, { purged: 1, inFlight: 0, left: 0 }]);
    expect(await purge()).toEqual([200, { purged: 0, inFlight: 0, left: 0 }]);
    const states = await (await app.request("/v1/agents/edge-1/resources?state=purged")).json();
    expect(states).toMatchObject({ items: [{ name: "motd" }, { name: "web" }] });
    expect(await (await app.request("/v1/agents/edge-1")).json()).toMatchObject({
      deadLetters: 1,
      pending: 0,
    });
  });

  it("refuses an eventid that is none", async () => {
    const response = await app.request("/v1/agents/edge-1/dead-letters/one/requeue", { method: "POST" });
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ code: "invalid_eventid" }),
    ]);
    expect((await app.request("/v1/agents/edge-1/dead-letters?after=one")).status).toBe(400);
  });
});

describe("agents", () => {
  it("shows who has a mailbox, in pages", async () => {
    for (const agent of ["a", "b", "c"]) await post(EVENT, `/v1/agents/${agent}/events`);
    const page = await (await app.request("/v1/agents?limit=2")).json();
    expect(page).toMatchObject({
      items: [{ name: "a", state: "disconnected", pending: 1 }, { name: "b" }],
      next: "b",
    });
    expect(await (await app.request("/v1/agents?after=b")).json()).toMatchObject({
      items: [{ name: "c" }],
      next: null,
    });
    expect(await (await app.request("/v1/agents/a")).json()).toMatchObject({
      name: "a",
      pending: 1,
      deadLetters: 0,
    });
  });

  it("answers 404 for an agent that was never heard of", async () => {
    const response = await app.request("/v1/agents/nobody");
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ code: "not_found", agent: "nobody" }),
    ]);
  });

  it("refuses a state that is none", async () => {
    const response = await app.request("/v1/agents?state=lost");
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringContaining("connected or disconnected") }),
    ]);
  });

  it("filters by state over pages, and ends a page early rather than look at everybody", async () => {
    const all: AgentView[] = Array.from({ length: 12_000 }, (_, index) => ({
      name: `agent-${String(index).padStart(5, "0")}`,
      state: index % 4_000 === 3_999 ? "connected" : "disconnected",
      reason: "",
      session: undefined,
      lastSeenAt: 0,
      lastAckAt: undefined,
      pending: 0,
      deadLetters: 0,
      mailboxBytes: 0,
      lastVersion: 0,
      everConnected: true,
    }));
    const many: Principal = {
      ...principal,
      agents: async ({ after = "", limit }) => all.filter(({ name }) => name > after).slice(0, limit),
    };
    app = createApi({ principal: many });
    const found: unknown[] = [];
    let answers = 0;
    for (let next: string | null = ""; next !== null; answers += 1) {
      const page = (await (await app.request(`/v1/agents?state=connected&limit=2&after=${next}`)).json()) as {
        items: { name: string }[];
        next: string | null;
      };
      expect(page.items.length).toBeLessThanOrEqual(2);
      found.push(...page.items.map(({ name }) => name));
      next = page.next;
    }
    expect(found).toEqual(["agent-03999", "agent-07999", "agent-11999"]);
    expect(answers).toBe(3);
    const exact = await (await app.request("/v1/agents?state=connected&limit=1&after=agent-08000")).json();
    expect(exact).toMatchObject({
      items: [{ name: "agent-11999", lastSeenAt: "1970-01-01T00:00:00.000Z" }],
      next: null,
    });
  });
});

describe("metrics of a principal", () => {
  it("follows events from acceptance to refusal", async () => {
    const metrics = createPrincipalMetrics({ process: false });
    const watched = createPrincipal({ store, acceptors: [], observer: metrics.observer });
    metrics.watch(watched);
    app = createApi({ principal: watched, metrics });
    await post(EVENT);
    await post(EVENT);
    await post({ ...EVENT, id: "2" });
    await post({ ...EVENT, id: "3", resourceid: undefined });
    await refuseForGood("1", "no_handler");
    const response = await app.request("/metrics");
    expect(response.headers.get("content-type")).toContain("text/plain");
    const text = await response.text();
    expect(text).toContain('hawser_events_accepted_total{agent="edge-1"} 2');
    expect(text).toContain('hawser_events_rejected_total{agent="edge-1",code="missing_resourceid"} 1');
    expect(text).toContain('hawser_pending_events{agent="edge-1"} 1');
    expect(text).toContain('hawser_dead_letter_events{agent="edge-1"} 1');
  });
});
