import { createPrincipal, type Principal } from "@hawser/principal";
import type { HawserEvent } from "@hawser/protocol";
import { createMemoryDisk, createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, settledIn, type VirtualRuntime } from "@hawser/testkit";
import type { Hono } from "hono";
import { beforeEach, describe, expect, it } from "vitest";
import { createEventLog } from "./event-log/stored-event-log.js";
import type { EventLog } from "./event-log/event-log.js";
import type { EventLogLimits } from "./event-log/log-limits.js";
import { createApi } from "./api.js";
import { BY_SESSION } from "./testing/held-by.js";
import { StreamReader, type ReadEvent } from "./testing/stream-reader.js";

let world: VirtualRuntime;
let disk: ReturnType<typeof createMemoryDisk>;
let store: Store;
let log: EventLog;
let principal: Principal;
let app: Hono;
let sent = 0;

beforeEach(async () => {
  world = createVirtualRuntime({ seed: 1 });
  disk = createMemoryDisk();
  sent = 0;
  await start();
  return stop;
});

async function start(limits: Partial<EventLogLimits> = {}): Promise<void> {
  const { runtime } = world;
  store = createMemoryStore({ runtime, disk });
  log = createEventLog({ store, runtime, limits });
  await settled(log.start());
  principal = createPrincipal({ store: createMemoryStore({ runtime }), acceptors: [], runtime });
  app = createApi({ principal, runtime, eventLog: log });
}

async function stop(): Promise<void> {
  await settled(log.stop());
}

const settled = <T>(work: Promise<T>): Promise<T> => settledIn(world, work);

async function send(agent: string, more: Partial<HawserEvent> = {}): Promise<void> {
  sent += 1;
  const event = {
    specversion: "1.0" as const,
    id: `id-${sent}`,
    source: "/s",
    type: "com.example.happened",
    resourceid: "lamp_1",
    eventid: String(sent),
    data: { sent },
    ...more,
  };
  await settled(Promise.resolve(log.onEvent({ agent, event, attempt: 1, ...BY_SESSION })));
}

interface Answer {
  readonly items: readonly { readonly position: string; readonly event: { readonly id: string } }[];
  readonly next: string | null;
}

async function list(query: string): Promise<Answer> {
  const response = await settled(Promise.resolve(app.request(`/v1/agent-events${query}`)));
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

describe("GET /v1/agent-events", () => {
  it("lists what agents sent, in pages", async () => {
    for (const agent of ["a", "b", "a"]) await send(agent);
    const first = await list("?limit=2");
    expect(first).toEqual({
      items: [
        {
          position: "1",
          agent: "a",
          recordedAt: "2026-01-01T00:00:00.000Z",
          event: {
            specversion: "1.0",
            id: "id-1",
            source: "/s",
            type: "com.example.happened",
            resourceid: "lamp_1",
            eventid: "1",
            data: { sent: 1 },
          },
        },
        expect.objectContaining({ position: "2", agent: "b" }),
      ],
      next: "2",
    });
    expect(await list(`?limit=2&after=${first.next}`)).toMatchObject({
      items: [{ position: "3" }],
      next: null,
    });
  });

  it("takes an agent, a type and a source", async () => {
    await send("a", { type: "x.one", source: "/p/1" });
    await send("a", { type: "y.two", source: "/p/2" });
    await send("b", { type: "x.three", source: "/q" });
    const ids = async (query: string): Promise<readonly string[]> =>
      (await list(query)).items.map(({ event: { id } }) => id);
    expect(await ids("?agent=a")).toEqual(["id-1", "id-2"]);
    expect(await ids("?type=x.*")).toEqual(["id-1", "id-3"]);
    expect(await ids("?type=x.*&source=/p/*")).toEqual(["id-1"]);
  });

  it.each([
    ["?agent=No+Name", 400],
    ["?after=x", 400],
    ["?type=", 400],
  ])("refuses %s with %d", async (query, status) => {
    expect((await app.request(`/v1/agent-events${query}`)).status).toBe(status);
  });

  it("is not found where there is no log", async () => {
    const without = createApi({ principal });
    for (const path of ["/v1/agent-events", "/v1/streams/agent-events", "/v1/sinks", "/v1/sinks/a"])
      expect((await without.request(path)).status).toBe(404);
  });
});

describe("GET /v1/streams/agent-events", () => {
  async function open(query = "", lastEventId?: string): Promise<StreamReader> {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const response = await app.request(`/v1/streams/agent-events${query}`, { headers });
    expect(response.status).toBe(200);
    return new StreamReader(response);
  }

  /** What comes until nothing does. */
  async function told(reader: StreamReader): Promise<readonly ReadEvent[]> {
    const events = reader.events();
    await world.advance(20);
    return (await events) ?? [];
  }

  const ids = (events: readonly ReadEvent[]): readonly string[] =>
    events.flatMap(({ event, data }) =>
      event === "recorded" ? [(data as { event: { id: string } }).event.id] : [event],
    );

  it("tells what is recorded from now on, and goes on behind it after a restart", async () => {
    await send("a");
    const reader = await open();
    await reader.text();
    await send("a");
    const [event] = await told(reader);
    expect(event).toMatchObject({
      event: "recorded",
      data: { position: "2", agent: "a", event: { id: "id-2" } },
    });
    await send("a");
    await send("b");
    await stop();
    await start();
    expect(ids(await told(await open("", event?.id)))).toEqual(["id-3", "id-4"]);
    expect(ids(await told(await open("?agent=b", event?.id)))).toEqual(["id-4"]);
  });

  it("tells all there is to whoever asks for it, and to one that comes from another log, who is told so", async () => {
    for (const agent of ["a", "b"]) await send(agent);
    expect(ids(await told(await open("?after=0")))).toEqual(["id-1", "id-2"]);
    expect(ids(await told(await open("?after=1")))).toEqual(["id-2"]);
    expect(ids(await told(await open("?after=3")))).toEqual(["gap", "id-1", "id-2"]);
    expect(ids(await told(await open("", "other-1")))).toEqual(["gap", "id-1", "id-2"]);
  });

  it("says that something is missing where the log let go of what was not read", async () => {
    await stop();
    await start({ maxEntries: 3 });
    await send("a");
    const reader = await open("?after=0");
    const [first] = await told(reader);
    for (let count = 0; count < 4; count += 1) await send("a");
    expect(ids(await told(await open("", first?.id)))).toEqual(["gap", "id-3", "id-4", "id-5"]);
    expect(ids(await told(await open("?after=0")))).toEqual(["id-3", "id-4", "id-5"]);
  });
});
