import { EVENT_TYPES, HawserError, type EventDraft } from "@hawser/protocol";
import { createMemoryDisk, createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { CloudEvent } from "cloudevents";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPrincipal } from "./create-principal.js";
import type { Principal } from "./principal.js";

let ids = 0;

function command(extra: Partial<EventDraft> = {}): EventDraft {
  ids += 1;
  return {
    specversion: "1.0",
    id: `e${ids}`,
    source: "test",
    type: "test.restart",
    resourceid: "web_u1",
    ...extra,
  };
}

describe("a principal without agents", () => {
  let world: VirtualRuntime;
  let store: Store;
  let principal: Principal;
  const rejected: string[] = [];
  const disk = createMemoryDisk();

  beforeEach(async () => {
    rejected.length = 0;
    world = createVirtualRuntime({ seed: 1 });
    store = createMemoryStore({ runtime: world.runtime, limits: { maxEntries: 5 } });
    principal = createPrincipal({
      store,
      runtime: world.runtime,
      acceptors: [createMemoryTransport({ timers: world.runtime.timers }).acceptor],
      observer: { rejected: (agent, code) => rejected.push(`${agent} ${code}`) },
    });
    await principal.start();
  });
  afterEach(async () => {
    await principal.stop();
    const stopped = store.stop();
    await world.advance(100);
    await stopped;
  });

  it("says what is missing where it is given an upgrade and has no listener", () => {
    const request = new IncomingMessage(new Socket());
    expect(() => principal.handleUpgrade(request, request.socket, Buffer.alloc(0))).toThrow(
      expect.objectContaining({
        code: "invalid_config",
        message: expect.stringContaining("takes no upgrades"),
      }),
    );
  });

  it("keeps events for an agent that never connected", async () => {
    const accepted = await principal.publish("edge-1", command());
    expect(accepted).toEqual({ eventid: "1", resourceid: "web_u1", duplicate: false });
    expect(await principal.agent("edge-1")).toMatchObject({
      state: "disconnected",
      pending: 1,
      lastVersion: 1,
    });
    expect(await principal.agent("edge-2")).toBeUndefined();
  });

  it("accepts an event of the CloudEvents SDK, and refuses one as any other", async () => {
    const event = new CloudEvent({ ...command(), data: new Uint8Array([1]) });
    await expect(principal.publish("edge-1", event)).resolves.toMatchObject({ eventid: "1" });
    const { resourceid: _resourceid, ...others } = command();
    const nameless = principal.publish("edge-1", new CloudEvent(others));
    await expect(nameless).rejects.toMatchObject({ code: "missing_resourceid" });
    expect(rejected).toEqual(["edge-1 missing_resourceid"]);
  });

  it("accepts the same idempotency key once", async () => {
    const event = command();
    await principal.publish("edge-1", event, { idempotencyKey: "k" });
    const again = await principal.publish("edge-1", event, { idempotencyKey: "k" });
    expect(again).toMatchObject({ eventid: "1", duplicate: true });
    expect((await principal.agent("edge-1"))?.pending).toBe(1);
  });

  it.each([
    ["a bad agent name", "Edge 1", command(), "invalid_agent_name"],
    ["a reserved type", "edge-1", command({ type: EVENT_TYPES.spec, subject: "Thing/web" }), "invalid_event"],
    ["a resourceid that is none", "edge-1", command({ resourceid: "web" }), "invalid_event"],
  ])("refuses %s and counts it", async (_name, agent, event, code) => {
    await expect(principal.publish(agent, event)).rejects.toMatchObject({ code });
    expect(rejected).toEqual([`${agent} ${code}`]);
  });

  it("tells all agents, and all resources of one, in a loop", async () => {
    for (const agent of ["edge-2", "edge-1", "edge-3"])
      for (const name of ["b", "a", "c"]) await principal.resources.put(agent, "Thing", name, 1);
    const agents: string[] = [];
    for await (const { name } of principal.allAgents({ pageSize: 2 })) agents.push(name);
    expect(agents).toEqual(["edge-1", "edge-2", "edge-3"]);
    const resources: string[] = [];
    for await (const { kind, name } of principal.resources.all("edge-2", { pageSize: 1 }))
      resources.push(`${kind}/${name}`);
    expect(resources).toEqual(["Thing/a", "Thing/b", "Thing/c"]);
    for (const name of agents) await principal.removeAgent(name, { force: true });
    const removed: string[] = [];
    for await (const { name } of principal.allRemovedAgents({ pageSize: 2 })) removed.push(name);
    expect(removed).toEqual(agents);
    const wrong = principal.resources.all("Edge 2")[Symbol.asyncIterator]().next();
    await expect(wrong).rejects.toMatchObject({ code: "invalid_agent_name" });
  });

  it.each([
    { window: 0 },
    { window: 1.5 },
    { window: Number.NaN },
    { window: 1_000_000_000 },
    { windowBytes: 0 },
    { maxSessions: 0 },
    { maxSessions: Number.NaN },
  ])("is not made with %j, which no session could live with", (wrong) => {
    const [name = ""] = Object.keys(wrong);
    expect(() => createPrincipal({ store: createMemoryStore(), acceptors: [], ...wrong })).toThrow(
      expect.objectContaining({ code: "invalid_config", message: expect.stringContaining(name) }),
    );
  });

  it("refuses the publisher when the mailbox is full, and loses nothing accepted", async () => {
    for (let count = 0; count < 5; count += 1) await principal.publish("edge-1", command());
    await expect(principal.publish("edge-1", command())).rejects.toMatchObject({ code: "mailbox_full" });
    expect(rejected).toEqual(["edge-1 mailbox_full"]);
    expect((await principal.agent("edge-1"))?.pending).toBe(5);
    // Another agent's mailbox has room of its own.
    await expect(principal.publish("edge-2", command())).resolves.toMatchObject({ eventid: "1" });
  });

  it("lists agents by name, page by page", async () => {
    for (const name of ["c", "a", "b"]) await principal.publish(name, command());
    const first = await principal.agents({ limit: 2 });
    const second = await principal.agents({ limit: 2, after: "b" });
    expect([first, second].map((page) => page.map(({ name }) => name))).toEqual([["a", "b"], ["c"]]);
  });

  it("tells its state, stops twice, and starts again", async () => {
    expect(principal.state).toBe("open");
    await expect(principal.start()).rejects.toMatchObject({ code: "invalid_state" });
    await Promise.all([principal.stop(), principal.stop()]);
    expect(principal.state).toBe("stopped");
    await principal.start();
    expect(principal.state).toBe("open");
  });

  it("drains at once when nobody is there", async () => {
    expect(await principal.drain({ windowMs: 60_000, reason: "deploy" })).toEqual({
      shape: "restart",
      sessions: 0,
      cutOff: 0,
      kept: 0,
      unsettled: new Map(),
      unsettledTotal: 0,
      durationMs: 0,
    });
    expect(principal.state).toBe("draining");
  });

  it("refuses a drain that makes no sense, by name, and goes on serving", async () => {
    await expect(principal.drain({ windowMs: -1, reason: "deploy" })).rejects.toMatchObject({
      code: "invalid_config",
      message: expect.stringContaining("drain.windowMs"),
    });
    expect(principal.state).toBe("open");
    expect(principal.draining).toBeUndefined();
  });

  it("has no dead letter to send again", async () => {
    await expect(principal.requeue("edge-1", "7")).rejects.toMatchObject({ code: "not_found" });
  });

  describe("resources", () => {
    it("are created once, keep uid and version for an equal spec, and get a new version for another", async () => {
      const first = await principal.resources.put("edge-1", "Thing", "web", { a: 1, b: [2] });
      const same = await principal.resources.put("edge-1", "Thing", "web", { b: [2], a: 1 });
      const other = await principal.resources.put("edge-1", "Thing", "web", { a: 2 });
      expect([first.created, first.changed]).toEqual([true, true]);
      expect([same.created, same.changed, same.resource.version]).toEqual([false, false, "1"]);
      expect([other.created, other.changed, other.resource.version]).toEqual([false, true, "2"]);
      expect(new Set([first, same, other].map(({ resource }) => resource.uid)).size).toBe(1);
    });

    it("are equal whatever members are undefined, and may be of an interface", async () => {
      interface Thing {
        readonly a: number;
        readonly b?: number | undefined;
      }
      const thing: Thing = { a: 1, b: undefined };
      const first = await principal.resources.put("edge-1", "Thing", "web", thing);
      expect(first.resource.spec).toStrictEqual({ a: 1 });
      expect(await principal.resources.put("edge-1", "Thing", "web", thing)).toMatchObject({
        changed: false,
      });
      // @ts-expect-error an object of a class
      const wrong = principal.resources.put("edge-1", "Thing", "web", { at: new Date(0) });
      await expect(wrong).rejects.toMatchObject({ code: "invalid_event", message: /neither plain/ });
    });

    it("are sent anew although they are equal, when that is forced", async () => {
      const first = await principal.resources.put("edge-1", "Thing", "web", 1, { force: true });
      const again = await principal.resources.put("edge-1", "Thing", "web", 1, { force: true });
      expect([first.created, first.changed]).toEqual([true, true]);
      expect([again.created, again.changed, again.resource.version]).toEqual([false, true, "2"]);
      expect(again.resource.uid).toBe(first.resource.uid);
      const tried = await principal.resources.put("edge-1", "Thing", "web", 1, { force: true, dryRun: true });
      expect([tried.changed, tried.resource.version]).toEqual([true, "2"]);
    });

    it("written by many at once end with one uid and strictly increasing versions", async () => {
      const writes = Array.from({ length: 5 }, (_, index) =>
        principal.resources.put("edge-1", "Thing", "web", { index }),
      );
      const written = await Promise.all(writes);
      expect(written.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(written.map(({ resource }) => resource.uid)).size).toBe(1);
      expect(written.map(({ resource }) => resource.version)).toEqual(["1", "2", "3", "4", "5"]);
      expect((await principal.agent("edge-1"))?.pending).toBe(1);
    });

    it("are refused under a condition that does not hold", async () => {
      await principal.resources.put("edge-1", "Thing", "web", 1);
      const put = principal.resources.put("edge-1", "Thing", "web", 2, { expectedVersion: "0" });
      await expect(put).rejects.toMatchObject({ code: "conflict" });
      const changed = await principal.resources.put("edge-1", "Thing", "web", 2, { expectedVersion: "1" });
      expect(changed.resource.version).toBe("2");
      const late = principal.resources.delete("edge-1", "Thing", "web", { expectedVersion: "1" });
      await expect(late).rejects.toMatchObject({ code: "conflict" });
    });

    it("stay as deleting until the agent acknowledged, and are another one when made anew meanwhile", async () => {
      const { resource } = await principal.resources.put("edge-1", "Thing", "web", 1);
      const deleted = await principal.resources.delete("edge-1", "Thing", "web");
      const twice = await principal.resources.delete("edge-1", "Thing", "web");
      expect([deleted?.state, deleted?.version, twice?.version]).toEqual(["deleting", "2", "2"]);
      const anew = await principal.resources.put("edge-1", "Thing", "web", 1);
      expect([anew.created, anew.resource.state, anew.resource.version]).toEqual([true, "pending", "3"]);
      expect(anew.resource.uid).not.toBe(resource.uid);
      // The delete of the old uid is still on its way, beside the spec of the new one.
      expect((await principal.agent("edge-1"))?.pending).toBe(2);
    });

    it("that are not there are neither found nor deleted", async () => {
      expect(await principal.resources.get("edge-1", "Thing", "web")).toBeUndefined();
      expect(await principal.resources.delete("edge-1", "Thing", "web")).toBeUndefined();
      expect(await principal.resources.list("edge-1", { limit: 10 })).toEqual([]);
    });
  });

  it("answers a publisher with the reason when the disk fails", async () => {
    const failing = createMemoryStore({ disk, runtime: world.runtime });
    await failing.start();
    const other = createPrincipal({ store: failing, runtime: world.runtime, acceptors: [] });
    disk.failWrites(new HawserError("store_full", "no space left"));
    const publishing = expect(other.publish("edge-1", command())).rejects.toMatchObject({
      code: "store_full",
    });
    await world.advance(5_000);
    await publishing;
    disk.failWrites(undefined);
    await world.advance(5_000);
    await expect(other.publish("edge-1", command())).resolves.toMatchObject({ duplicate: false });
    const stopped = failing.stop();
    await world.advance(100);
    await stopped;
  });
});
