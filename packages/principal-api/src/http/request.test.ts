import { createPrincipal } from "@hawser/principal";
import { createMemoryStore, type Store } from "@hawser/store";
import { heldBy } from "../testing/held-by.js";
import type { EventDraft } from "@hawser/protocol";
import type { Hono } from "hono";
import { beforeEach, expect, it } from "vitest";
import { createApi } from "../api.js";

const TRACE = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "vendor=1",
} as const;
const OWN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const EVENT = { specversion: "1.0", id: "1", source: "/test", type: "com.example.ping", resourceid: "web_1" };
const EVENTS = "/v1/agents/edge-1/events";
const RESOURCE = "/v1/agents/edge-1/resources/Task/t";

let app: Hono;
let store: Store;

beforeEach(async () => {
  store = createMemoryStore();
  const principal = createPrincipal({ store, acceptors: [] });
  await principal.start();
  app = createApi({ principal });
  return async () => {
    await principal.stop();
  };
});

async function send(method: string, path: string, headers: object, body?: object): Promise<number> {
  const sent = {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return (await app.request(path, sent)).status;
}

/** The newest of what waits for the agent. */
async function newest(): Promise<EventDraft | undefined> {
  const lease = await heldBy(store, "edge-1");
  return (await lease.read(0, 100)).at(-1)?.event;
}

it("gives an event in binary mode the trace of its request, unless it has one", async () => {
  const attributes = Object.fromEntries(Object.entries(EVENT).map(([name, value]) => [`ce-${name}`, value]));
  expect(await send("POST", EVENTS, { ...attributes, ...TRACE })).toBe(202);
  expect(await newest()).toMatchObject(TRACE);
  expect(await send("POST", EVENTS, { ...attributes, "ce-id": "2", "ce-traceparent": OWN, ...TRACE })).toBe(
    202,
  );
  expect(await newest()).toMatchObject({ id: "2", traceparent: OWN });
  expect(await newest()).not.toHaveProperty("tracestate");
});

it("does the same in structured mode, and for each event of a batch", async () => {
  const structured = { "content-type": "application/cloudevents+json", ...TRACE };
  expect(await send("POST", EVENTS, structured, EVENT)).toBe(202);
  expect(await newest()).toMatchObject(TRACE);
  const batch = [
    { ...EVENT, id: "2" },
    { ...EVENT, id: "3", traceparent: OWN },
  ];
  const batched = { "content-type": "application/cloudevents-batch+json", ...TRACE };
  expect(await send("POST", EVENTS, batched, batch)).toBe(202);
  expect(await newest()).toMatchObject({ id: "3", traceparent: OWN });
  const lease = await heldBy(store, "edge-1");
  expect((await lease.read(0, 100))[1]?.event).toMatchObject({ id: "2", ...TRACE });
});

it("gives it to what comes of changing a resource", async () => {
  const json = { "content-type": "application/json", ...TRACE };
  expect(await send("PUT", RESOURCE, json, { spec: { n: 1 } })).toBe(201);
  expect(await newest()).toMatchObject({ type: "hawser.resource.spec.v1", ...TRACE });
  expect(await send("DELETE", RESOURCE, { traceparent: OWN })).toBe(202);
  expect(await newest()).toMatchObject({ type: "hawser.resource.delete.v1", traceparent: OWN });
});

it("passes over a header that is no trace", async () => {
  const structured = { "content-type": "application/cloudevents+json", ...TRACE, traceparent: "01-none" };
  expect(await send("POST", EVENTS, structured, EVENT)).toBe(202);
  expect(await newest()).not.toHaveProperty("traceparent");
  expect(await newest()).not.toHaveProperty("tracestate");
});
