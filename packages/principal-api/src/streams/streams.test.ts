import { createAgent, type AgentOptions } from "@hawser/agent";
import { createPrincipalMetrics } from "@hawser/metrics";
import { createPrincipal, type Principal } from "@hawser/principal";
import { createMemoryStore } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { HawserError } from "@hawser/protocol";
import { createMemoryTransport, type Connection, type MemoryTransport } from "@hawser/transport";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createApi } from "../api.js";
import { COALESCE_MS } from "./agent-change-log.js";
import { KEEP_ALIVE_MS } from "./stream-response.js";
import { StreamReader, type ReadEvent } from "../testing/stream-reader.js";

const MAX_STREAMS = 3;
const EVENT = {
  specversion: "1.0",
  id: "1",
  source: "/t",
  type: "com.example.ping",
  resourceid: "web_1",
} as const;

let world: VirtualRuntime;
let transport: MemoryTransport;
let principal: Principal;
let app: Hono;

beforeEach(async () => {
  world = createVirtualRuntime({ seed: 1 });
  const { runtime } = world;
  transport = createMemoryTransport({ timers: runtime.timers });
  const store = createMemoryStore({ runtime });
  principal = createPrincipal({ store, acceptors: [transport.acceptor], runtime });
  await principal.start();
  app = createApi({ principal, runtime, maxStreams: MAX_STREAMS });
  return async () => {
    const stopped = principal.stop();
    await world.advance(60_000);
    await stopped;
  };
});

async function open(path: string, lastEventId?: string): Promise<StreamReader> {
  const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const response = await app.request(path, { headers });
  expect(response.status).toBe(200);
  return new StreamReader(response);
}

/** The events that come within a while. */
async function within(ms: number, reader: StreamReader): Promise<readonly ReadEvent[]> {
  const events = reader.events();
  await world.advance(ms);
  return (await events) ?? [];
}

/** An agent that takes every event, and does not come back once its connection is lost. */
async function connectAgent(options: Partial<AgentOptions> = {}): Promise<Connection> {
  const { runtime } = world;
  const lost = new HawserError("connection_failed", "test");
  let dialled: Promise<Connection> | undefined;
  const dialer = {
    ...transport.dialer,
    dial: () => (dialled === undefined ? (dialled = transport.dialer.dial()) : Promise.reject(lost)),
  };
  const store = createMemoryStore({ runtime });
  const agent = createAgent({ name: "edge-1", store, dialer, runtime, onEvent: () => {}, ...options });
  await agent.start();
  await world.advance(20);
  if (dialled === undefined) throw new Error("the agent has not dialled");
  return dialled;
}

describe("GET /v1/streams/events", () => {
  it("tells the life of an event that is applied", async () => {
    await connectAgent();
    const reader = await open("/v1/streams/events");
    await reader.text();
    await principal.publish("edge-1", EVENT);
    const told: ReadEvent[] = [];
    while (told.length < 3) told.push(...(await within(20, reader)));
    const about = { agent: "edge-1", resourceid: "web_1", eventid: "1" };
    const at = expect.stringMatching(/^2026-01-01T00:00:0\d\.\d{3}Z$/) as string;
    expect(told.map(({ event, data }) => [event, data])).toEqual([
      ["accepted", { ...about, type: EVENT.type, at }],
      ["sent", { ...about, type: EVENT.type, attempt: 1, at }],
      ["acked", { ...about, latencyMs: expect.any(Number) as number, at }],
    ]);
    expect(reader.lastEventId).toBe(told.at(-1)?.id);
  });

  it("tells the life of one that is refused", async () => {
    await connectAgent({
      onEvent() {
        throw new HawserError("handler_rejected", "not here");
      },
    });
    const reader = await open("/v1/streams/events?agent=edge-1");
    await reader.text();
    await principal.publish("edge-1", EVENT);
    await principal.publish("edge-2", EVENT);
    const told: ReadEvent[] = [];
    while (told.length < 4) told.push(...(await within(20, reader)));
    expect(told.map(({ event }) => event)).toEqual(["accepted", "sent", "nacked", "dead_letter"]);
    expect(told[2]?.data).toMatchObject({ code: "handler_rejected", message: "not here", retryable: false });
    expect(told[3]?.data).toMatchObject({ code: "handler_rejected", message: "not here", type: EVENT.type });
  });

  it("goes on where a reader was, also for what happened before anybody read", async () => {
    await principal.publish("a", EVENT);
    await principal.publish("a", { ...EVENT, id: "2" });
    const all = await open("/v1/streams/events", "0-0");
    const told = await all.events();
    expect(told?.map(({ event }) => event)).toEqual(["gap", "accepted", "accepted"]);
    const rest = await open("/v1/streams/events", told?.[1]?.id);
    expect((await rest.events())?.map(({ data }) => data["eventid"])).toEqual(["2"]);
  });

  it("refuses what is no agent's name", async () => {
    const response = await app.request("/v1/streams/events?agent=A");
    expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_agent_name" }]);
  });
});

describe("GET /v1/streams/agents/{agent}/resources/{kind}/{name}/output", () => {
  const PATH = "/v1/streams/agents/edge-1/resources/Task/web/output";

  it("asks the agent as long as somebody reads, and leaves nothing behind where it refuses", async () => {
    let refuses = false;
    let asked = 0;
    const handler = {
      apply: async () => {},
      delete: async () => {},
      output() {
        asked += 1;
        if (refuses) throw new HawserError("handler_rejected", "shows nothing");
      },
    };
    await principal.resources.put("edge-1", "Task", "web", { command: "true" });
    await connectAgent({ handlers: { Task: handler } });
    const events: (string | undefined)[] = [];
    principal.observe({
      accepted: (_agent, { type, resourceid }) => void events.push(`${type} ${resourceid}`),
    });
    const reader = await open(PATH);
    await world.advance(10);
    expect(events).toEqual(["hawser.resource.output.v1 web_output"]);
    expect(asked).toBe(1);
    refuses = true;
    const rest = reader.rest();
    await world.advance(10_000);
    expect(await rest).toEqual([
      { id: undefined, event: "refused", data: { code: "handler_rejected", message: "shows nothing" } },
    ]);
    await world.advance(60_000);
    expect(events).toHaveLength(2);
    expect(await principal.agent("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
  });

  it.each([
    ["/v1/streams/agents/edge-1/resources/Task/other/output", 404],
    ["/v1/streams/agents/EDGE/resources/Task/web/output", 400],
    [`${PATH}?follow=perhaps`, 400],
    [`${PATH}?tail=-1`, 400],
  ])("refuses %s", async (path, status) => {
    await principal.resources.put("edge-1", "Task", "web", { command: "true" });
    expect((await app.request(path)).status).toBe(status);
  });
});

describe("GET /v1/streams/agents", () => {
  it("tells all agents, and what becomes of them", async () => {
    await principal.publish("edge-1", EVENT);
    await principal.publish("edge-2", EVENT);
    const reader = await open("/v1/streams/agents?name=edge-1");
    expect((await reader.events())?.map(({ event, data }) => [event, data["name"]])).toEqual([
      ["agent", "edge-1"],
      ["synced", undefined],
    ]);
    const connection = await connectAgent();
    const [connected] = await within(COALESCE_MS, reader);
    expect(connected).toMatchObject({ event: "agent", data: { state: "connected", pending: 0 } });
    const shown = (await (await app.request("/v1/agents/edge-1")).json()) as object;
    expect(Object.keys(connected?.data ?? {})).toEqual(Object.keys(shown));
    connection.terminate(new HawserError("connection_failed", "test"));
    const [left] = await within(10_000, reader);
    expect(left).toMatchObject({ event: "agent", data: { state: "disconnected" } });
  });

  it("tells of an agent that is away and is removed (it stayed in every table that was open)", async () => {
    await principal.publish("edge-1", EVENT);
    const reader = await open("/v1/streams/agents");
    await reader.text();
    await principal.removeAgent("edge-1", { force: true });
    expect(await within(COALESCE_MS, reader)).toMatchObject([{ event: "gone", data: { name: "edge-1" } }]);
  });

  it("refuses a state that is none", async () => {
    expect((await app.request("/v1/streams/agents?state=lost")).status).toBe(400);
  });
});

describe.each(["/v1/streams/events", "/v1/streams/agents"])("%s", (path) => {
  it("is an event stream that no proxy shall hold back", async () => {
    const response = await app.request(path);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    await response.body?.cancel();
  });

  it("says that it is alive while nothing happens", async () => {
    const reader = await open(path);
    await reader.text();
    const silence = reader.text();
    await world.advance(KEEP_ALIVE_MS - 1);
    await world.advance(1);
    expect(await silence).toMatch(/^: keep-alive\nid: \S+-\d+\n\n$/);
    expect(world.now()).toBe(KEEP_ALIVE_MS);
  });

  it("is open for so many readers and not one more, until one leaves", async () => {
    const readers = [];
    for (let count = 0; count < MAX_STREAMS; count += 1) readers.push(await open(path));
    const refused = await app.request(path);
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { code: "overloaded", detail: expect.stringContaining("3 streams") },
    ]);
    expect(refused.headers.get("retry-after")).toBe("5");
    await readers[0]?.leave();
    await readers[0]?.leave();
    await open(path);
    expect((await app.request(path)).status).toBe(503);
  });

  it("leaves nothing behind when its reader goes", async () => {
    const timers = world.pendingTimers;
    const reader = await open(path);
    await reader.text();
    const silence = reader.text();
    await world.advance(1);
    await reader.leave();
    await silence;
    expect(world.pendingTimers).toBe(timers);
  });

  it("answers HEAD without keeping a place", async () => {
    for (let count = 0; count <= MAX_STREAMS; count += 1) {
      expect((await app.request(path, { method: "HEAD" })).status).toBe(200);
    }
  });

  it("ends with what there is to tell when the principal drains, and is refused from then on", async () => {
    const reader = await open(path);
    await reader.text();
    const rest = reader.rest();
    await principal.publish("a", EVENT);
    void principal.drain({ windowMs: 1_000, reason: "test" });
    await world.advance(0);
    const events = await rest;
    if (path.endsWith("events")) expect(events.map(({ event }) => event)).toEqual(["accepted"]);
    const refused = await app.request(path);
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: "draining" }]);
  });
});

it("last seen is when anything was heard, also of an agent that has nothing to say but that it is there", async () => {
  const connection = await connectAgent();
  await world.advance(300_000);
  const idle = await principal.agent("edge-1");
  expect(idle).toMatchObject({ state: "connected", lastAckAt: undefined });
  const connectedAt = idle?.session?.connectedAt ?? 0;
  const heardAfterMs = (idle?.lastSeenAt ?? 0) - connectedAt;
  expect(heardAfterMs).toBeGreaterThan(200_000);
  expect(heardAfterMs).toBeLessThanOrEqual(300_000);
  connection.terminate(new HawserError("connection_failed", "test"));
  await world.advance(5_000);
  const gone = await principal.agent("edge-1");
  expect(gone?.state).toBe("disconnected");
  expect(gone?.lastSeenAt).toBe(idle?.lastSeenAt);
});

it("tells the metrics who reads, who was refused, and who missed something", async () => {
  const metrics = createPrincipalMetrics({ process: false });
  app = createApi({ principal, runtime: world.runtime, maxStreams: 2, metrics });
  const lines = async (): Promise<readonly string[]> =>
    (await metrics.registry.metrics()).split("\n").filter((line) => /^hawser_api_stream.*[1-9]$/.test(line));
  expect(await lines()).toEqual([]);
  const reader = await open("/v1/streams/agents", "0-0");
  await open("/v1/streams/events", "0-0");
  await app.request("/v1/streams/events");
  expect(await lines()).toEqual([
    'hawser_api_streams{stream="events"} 1',
    'hawser_api_streams{stream="agents"} 1',
    'hawser_api_stream_refusals_total{stream="events",code="overloaded"} 1',
    'hawser_api_stream_gaps_total{stream="agents",reason="unknown_id"} 1',
  ]);
  await reader.leave();
  expect(await lines()).not.toContain('hawser_api_streams{stream="agents"} 1');
  void principal.drain({ windowMs: 0, reason: "test" });
  await app.request("/v1/streams/agents");
  expect(await lines()).toContain('hawser_api_stream_refusals_total{stream="agents",code="draining"} 1');
});

it("a stream of a store that cannot be read ends, and does not take the process with it", async () => {
  const broken: Principal = {
    ...principal,
    agents: () => Promise.reject(new HawserError("store_unavailable", "gone")),
  };
  app = createApi({ principal: broken, runtime: world.runtime });
  expect(await (await open("/v1/streams/agents")).text()).toBeUndefined();
});

it("a stream that was opened before the principal started goes on when it does, and ends with its stop", async () => {
  const store = createMemoryStore({ runtime: world.runtime });
  const early = createPrincipal({ store, acceptors: [], runtime: world.runtime });
  app = createApi({ principal: early, runtime: world.runtime });
  const reader = await open("/v1/streams/events");
  await reader.text();
  await early.start();
  await early.publish("a", EVENT);
  expect((await within(0, reader)).map(({ event }) => event)).toEqual(["accepted"]);
  const rest = reader.rest();
  const stopped = early.stop();
  await world.advance(60_000);
  await stopped;
  expect(await rest).toEqual([]);
});
