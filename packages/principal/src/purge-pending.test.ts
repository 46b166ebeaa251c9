import { createMemoryStore, type Store } from "@hawser/store";
import { silentLogger, systemRuntime, type Logger } from "@hawser/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPrincipal } from "./create-principal.js";
import type { Principal } from "./principal.js";

const AGENT = "edge-1";
const EVENT = {
  specversion: "1.0",
  id: "1",
  source: "test",
  type: "test.command",
  resourceid: "x_1",
} as const;

let store: Store;
let principal: Principal;
let told: string[];
let logged: unknown[];

beforeEach(async () => {
  [told, logged] = [[], []];
  store = createMemoryStore({ limits: { maxEntries: 3 } });
  await store.start();
  const logger: Logger = {
    ...silentLogger,
    info: (fields, message) => void (message.includes("purged") && logged.push(fields)),
  };
  const observer = {
    purged: (agent: string, { purged }: { readonly purged: number }) => void told.push(`${agent} ${purged}`),
    gone: (agent: string) => void told.push(`${agent} gone`),
  };
  principal = createPrincipal({ store, acceptors: [], observer, runtime: { ...systemRuntime(), logger } });
  await principal.start();
});
afterEach(async () => {
  await principal.stop();
  await store.stop();
});

it("makes room in a full mailbox, tells of it, and lets the series of an agent that is away go", async () => {
  for (const name of ["a", "b", "c"]) await principal.resources.put(AGENT, "Thing", name, 1);
  await expect(principal.publish(AGENT, EVENT)).rejects.toMatchObject({ code: "mailbox_full" });
  const resource = { kind: "Thing", name: "b" };
  expect(await principal.purgePending(AGENT, { resource })).toEqual({ purged: 1, inFlight: 0, left: 2 });
  expect(await principal.purgePending(AGENT)).toEqual({ purged: 2, inFlight: 0, left: 0 });
  expect(await principal.purgePending(AGENT)).toEqual({ purged: 0, inFlight: 0, left: 0 });
  expect(told).toEqual([`${AGENT} 1`, `${AGENT} 2`, `${AGENT} gone`, `${AGENT} gone`]);
  expect(logged.slice(0, 2)).toMatchObject([
    { agent: AGENT, subject: "Thing/b", purged: 1, in_flight: 0, left: 2 },
    { agent: AGENT, purged: 2, left: 0 },
  ]);
  expect(await principal.agent(AGENT)).toMatchObject({ pending: 0, mailboxBytes: 0 });
  await principal.publish(AGENT, EVENT);
});

it("shows in the resource, which an equal put sends again under its uid", async () => {
  const first = await principal.resources.put(AGENT, "Thing", "web", { a: 1 });
  await principal.purgePending(AGENT);
  expect(await principal.resources.get(AGENT, "Thing", "web")).toMatchObject({
    state: "purged",
    waiting: undefined,
    version: "1",
    spec: { a: 1 },
  });
  const again = await principal.resources.put(AGENT, "Thing", "web", { a: 1 });
  expect(again).toMatchObject({
    changed: true,
    created: false,
    resource: { state: "pending", version: "2" },
  });
  expect(again.resource.uid).toBe(first.resource.uid);
  expect(await principal.resources.put(AGENT, "Thing", "web", { a: 1 })).toMatchObject({ changed: false });
});

it("of a delete gives the resource up", async () => {
  await principal.resources.put(AGENT, "Thing", "web", 1);
  await principal.resources.delete(AGENT, "Thing", "web");
  await principal.purgePending(AGENT);
  expect(await principal.resources.get(AGENT, "Thing", "web")).toBeUndefined();
  expect(await principal.resources.put(AGENT, "Thing", "web", 1)).toMatchObject({ created: true });
});

it("refuses whoever is not known, and names that are none", async () => {
  await expect(principal.purgePending("edge-2")).rejects.toMatchObject({
    code: "not_found",
    agent: "edge-2",
  });
  await expect(principal.purgePending("Edge 2")).rejects.toMatchObject({ code: "invalid_agent_name" });
  const resource = { kind: "thing", name: "web" };
  await expect(principal.purgePending(AGENT, { resource })).rejects.toMatchObject({ code: "invalid_event" });
});

it("gives up waiting when the caller does, and goes on", async () => {
  await principal.resources.put(AGENT, "Thing", "web", 1);
  const signal = AbortSignal.abort();
  await expect(principal.purgePending(AGENT, { signal })).rejects.toMatchObject({ code: "aborted" });
});
