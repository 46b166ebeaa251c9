import { readFile } from "node:fs/promises";
import type { Principal } from "@hawser/principal";
import type { HawserEvent } from "@hawser/protocol";
import { seededRandom } from "@hawser/runtime";
import { createMemoryStore } from "@hawser/store";
import { beforeEach, describe, expect, it } from "vitest";
import { World } from "./testing/world.js";
import { createAgent, type ResourceHandler } from "./index.js";
import { VERSION } from "./version.js";

let world: World;

beforeEach(() => {
  world = new World(5);
});

const command = (id: string) =>
  ({ specversion: "1.0", id, source: "test", type: "com.example.ping", resourceid: `job_${id}` }) as const;

describe("createAgent", () => {
  it("refuses options that make no sense, by name", () => {
    const store = createMemoryStore();
    const dialer = world.network.dialer({ from: world.virtual.host("x"), to: "y" });
    expect(() => createAgent({ name: "Bad Name", store, dialer })).toThrow("upper-case");
    expect(() => createAgent({ name: "a", store, dialer: [] })).toThrow("at least one way");
    expect(() =>
      createAgent({ name: "a", store, dialer, timing: { rotationMinMs: 10, rotationMaxMs: 5 } }),
    ).toThrow("rotationMinMs");
    expect(() => createAgent({ name: "a", store, dialer, window: 0 })).toThrow("window");
  });

  it("says the version of its package", async () => {
    const manifest: { version: string } = JSON.parse(
      await readFile(new URL("../package.json", import.meta.url), "utf8"),
    );
    expect(VERSION).toBe(manifest.version);
  });

  it("exchanges commands both ways, each once and in order per resource", async () => {
    const received: string[] = [];
    const heard: string[] = [];
    const { principal } = await world.principal({ onEvent: ({ event }) => void heard.push(event.id) });
    const one = await world.agent({ onEvent: ({ event }) => void received.push(event.id) });
    for (const id of ["1", "2", "3"])
      await world.settled(principal.publish("one", { ...command(id), resourceid: "job_u" }));
    await one.agent.start();
    for (const id of ["4", "5"])
      await world.settled(one.agent.publish({ ...command(id), resourceid: "job_u" }));
    await world.until(() => received.length === 3 && heard.length === 2);
    expect(received).toEqual(["1", "2", "3"]);
    expect(heard).toEqual(["4", "5"]);
  });

  it("accepts an event with the same key once, and none of a reserved type", async () => {
    const one = await world.agent();
    await one.store.start();
    const first = await world.settled(one.agent.publish(command("1"), { idempotencyKey: "k" }));
    const second = await world.settled(one.agent.publish(command("1"), { idempotencyKey: "k" }));
    expect(second).toEqual({ ...first, duplicate: true });
    const spec = { ...command("2"), type: "hawser.resource.status.v1", subject: "Job/job" };
    await expect(one.agent.publish(spec)).rejects.toMatchObject({ code: "invalid_event" });
    await expect(one.agent.publish({ ...command("2"), resourceid: "none" })).rejects.toMatchObject({
      code: "invalid_event",
    });
  });

  it("redelivers nothing over rotations, in either direction, under load", async () => {
    const heard: string[] = [];
    const resent: HawserEvent[] = [];
    const sent = (event: HawserEvent, attempt: number): void => void (attempt > 1 && resent.push(event));
    const { principal } = await world.principal({
      onEvent: ({ event }) => void heard.push(event.id),
      observer: { link: () => ({ sent }) },
    });
    const received: string[] = [];
    const { timers } = world.virtual.runtime;
    const slow: ResourceHandler = {
      apply: async ({ name, spec }) => {
        await new Promise<void>((resolve) => timers.after(50, resolve));
        received.push(`${name} ${JSON.stringify(spec)}`);
        return spec;
      },
      delete: async () => {},
    };
    const one = await world.agent({ handlers: { Job: slow }, observer: { sent } });
    await one.agent.start();
    await world.connected(one);
    for (let round = 0; round < 20; round += 1) {
      for (const name of ["a", "b", "c"]) {
        await world.settled(principal.resources.put("one", "Job", name, round));
        await world.settled(one.agent.publish(command(`${round}${name}`)));
      }
      await world.virtual.advance(40);
      if (round % 4 === 0) {
        // Past the seconds in which a clean end counts as a failure.
        await world.virtual.advance(6_000);
        for (const name of ["a", "b", "c"])
          await world.settled(principal.resources.put("one", "Job", name, -round));
        await world.virtual.advance(10);
        expect(one.agent.rotate()).toBe(true);
        await world.until(() => one.agent.state.kind === "waiting");
        expect(one.agent.state).toMatchObject({ delayMs: 0 });
        await world.connected(one);
      }
    }
    await world.virtual.advance(10_000);
    expect(resent).toEqual([]);
    expect(one.skipped).toEqual([]);
    expect(new Set(received).size).toBe(received.length);
    expect(heard.length).toBe(60);
    expect(received).toEqual(expect.arrayContaining(["a 19", "b 19", "c 19"]));
  });
});

describe("stopping an agent", () => {
  it("says goodbye: the principal sees a clean end, and nothing is left behind", async () => {
    const { principal } = await world.principal();
    const one = await world.agent();
    await one.agent.start();
    await world.connected(one);
    await world.settled(one.agent.stop());
    expect(one.agent.state).toEqual({ kind: "stopped" });
    await world.virtual.advance(100);
    expect(world.network.openConnections).toBe(0);
    const view = await world.settled(agentView(principal));
    expect(view).toMatchObject({ state: "disconnected", reason: expect.stringContaining("clos") });
    await world.settled(principal.stop());
    expect(world.virtual.pendingTimers).toBe(0);
    await expect(one.store.peers({ limit: 1 })).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("while it dials, waits, or was never started, ends at once", async () => {
    const one = await world.agent();
    await world.settled(one.agent.stop());
    world.network.partition();
    await one.agent.start();
    expect(one.agent.state.kind).toBe("connecting");
    await world.settled(one.agent.stop(), 10);
    await one.agent.start();
    await world.until(() => one.agent.state.kind === "waiting");
    await world.settled(one.agent.stop(), 10);
    expect(one.agent.state.kind).toBe("stopped");
    await world.virtual.advance(600_000);
    expect(one.agent.state.kind).toBe("stopped");
  });

  it("cuts the connection when the principal does not answer the goodbye", async () => {
    await world.principal();
    const one = await world.agent();
    await one.agent.start();
    await world.connected(one);
    world.network.partition();
    await world.settled(one.agent.stop({ graceMs: 2_000 }), 2_100);
    expect(one.agent.state.kind).toBe("stopped");
  });

  it("tells a handler that does not end, and lets go of it in the end", async () => {
    const { principal } = await world.principal();
    let aborted = false;
    let stopped = 0;
    const stuck: ResourceHandler = {
      apply: (_, { signal }) => {
        signal.addEventListener("abort", () => (aborted = true));
        return new Promise(() => {});
      },
      delete: async () => {},
      stop: async () => void (stopped += 1),
    };
    const one = await world.agent({ handlers: { Job: stuck, Other: stuck } });
    await one.agent.start();
    await world.settled(principal.resources.put("one", "Job", "a", 1));
    await world.connected(one);
    await world.virtual.advance(100);
    await world.settled(one.agent.stop({ graceMs: 4_000 }), 8_100);
    expect(aborted).toBe(true);
    expect(stopped).toBe(1);
    expect(world.log.some(({ msg }) => msg.includes("a handler does not end"))).toBe(true);
  });

  it("lets a running handler finish, and its ACK leave, before it goes", async () => {
    const { principal } = await world.principal();
    let finished = 0;
    const { timers } = world.virtual.runtime;
    const slow: ResourceHandler = {
      apply: async () => {
        await new Promise<void>((resolve) => timers.after(1_500, resolve));
        finished += 1;
        return "made";
      },
      delete: async () => {},
    };
    const one = await world.agent({ handlers: { Job: slow } });
    await one.agent.start();
    await world.connected(one);
    await world.settled(principal.resources.put("one", "Job", "a", 1));
    await world.virtual.advance(100);
    await world.settled(one.agent.stop());
    expect(finished).toBe(1);
    await world.virtual.advance(1_000);
    const view = await world.settled(agentView(principal));
    expect(view?.pending).toBe(0);
  });

  it("stops handlers too when starting fails, and says why", async () => {
    let stopped = 0;
    const handler: ResourceHandler = {
      apply: async () => {},
      delete: async () => {},
      stop: async () => void (stopped += 1),
    };
    const one = await world.agent({ handlers: { Job: handler } });
    one.disk.crash(seededRandom(1));
    await expect(world.settled(one.agent.start())).rejects.toMatchObject({ code: "store_corrupt" });
    expect(stopped).toBe(1);
    expect(one.agent.state.kind).toBe("stopped");
  });

  it("records what a handler did that ended after the goodbye, before it closes its store", async () => {
    const { principal } = await world.principal();
    let runs = 0;
    let go: () => void = () => {};
    const slow = new Promise<void>((resolve) => (go = resolve));
    const one = await world.agent({
      onEvent: async () => {
        runs += 1;
        await slow;
      },
    });
    await one.agent.start();
    await world.connected(one);
    await principal.publish("one", command("late"));
    await world.until(() => runs === 1);
    const stopping = one.agent.stop({ graceMs: 1_000 });
    await world.virtual.advance(1_500);
    go();
    await world.settled(stopping);
    await world.settled(one.agent.start());
    await world.until(() => one.skipped.length === 1);
    expect(runs).toBe(1);
    await world.settled(one.agent.stop());
  });

  it("leaves a store open that was started before it", async () => {
    const one = await world.agent();
    await one.store.start();
    await one.agent.start();
    await world.settled(one.agent.stop());
    expect(await one.store.peers({ limit: 1 })).toEqual([]);
    await world.settled(one.store.stop());
  });

  it("can be started again", async () => {
    await world.principal();
    const one = await world.agent();
    for (let round = 0; round < 3; round += 1) {
      await one.agent.start();
      await expect(one.agent.start()).rejects.toMatchObject({ code: "invalid_state", agent: "one" });
      await world.connected(one);
      await world.settled(Promise.all([one.agent.stop(), one.agent.stop()]));
    }
    expect(one.agent.rotate()).toBe(false);
  });
});

const agentView = (principal: Principal) => principal.agent("one");
