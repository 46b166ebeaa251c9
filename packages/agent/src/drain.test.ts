import type { EventDraft } from "@hawser/protocol";
import { DEFAULT_RECONNECT_TIMING } from "@hawser/session";
import { beforeEach, describe, expect, it } from "vitest";
import { waits, World, type SimulatedAgent } from "./testing/world.js";

const { shortSessionMs } = DEFAULT_RECONNECT_TIMING;

let world: World;

beforeEach(() => {
  world = new World(23);
});

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `a${index}`);

/** Agents with sessions that have lived long enough for a clean end to be one. */
async function fleet(count: number, options: Parameters<World["agent"]>[0] = {}): Promise<SimulatedAgent[]> {
  const agents = await Promise.all(names(count).map((name) => world.agent({ ...options, name })));
  for (const { agent } of agents) await agent.start();
  for (const one of agents) await world.connected(one);
  await world.virtual.advance(shortSessionMs);
  return agents;
}

const command = (resource: string): EventDraft => ({
  specversion: "1.0",
  id: "1",
  source: "/test",
  type: "com.example.command.v1",
  resourceid: resource,
});

/** When each agent was let go, and what it was told. */
function firstWaits(agents: readonly SimulatedAgent[]): { at: number; delayMs: number; reason: string }[] {
  return agents.map(({ states }) => {
    for (const { at, state } of states) if (state.kind === "waiting") return { at, ...state };
    throw new Error("an agent never had to wait");
  });
}

describe("a restart", () => {
  it("lets all go together, each with a slot of its own, evenly spread over the window after the return", async () => {
    const { principal } = await world.principal();
    const agents = await fleet(20);
    const began = world.virtual.now();
    const order = { reason: "deploy", windowMs: 20_000, returnAfterMs: 3_000 } as const;
    const report = await world.settled(principal.drain(order), 120_000);
    expect(report).toMatchObject({ shape: "restart", sessions: 20, cutOff: 0, unsettledTotal: 0 });
    expect(report.durationMs).toBeLessThan(200);
    await world.until(() => agents.every((one) => waits(one).length > 0));
    const left = firstWaits(agents);
    expect(Math.max(...left.map(({ at }) => at)) - began).toBeLessThan(200);
    // The slot counts from the notice, so however long the leaving takes, the return is on time.
    const slots = left.map(({ at, delayMs }) => at + delayMs - began).sort((a, b) => a - b);
    slots.forEach((slot, index) => {
      expect(slot).toBeGreaterThanOrEqual(3_000 + index * 1_000);
      expect(slot).toBeLessThanOrEqual(3_000 + (index + 1) * 1_000 + 50);
    });
  });

  it("refuses whoever comes early with the slot it was given", async () => {
    const { principal } = await world.principal();
    const [one] = await fleet(1);
    if (one === undefined) throw new Error("one agent");
    const drained = principal.drain({ reason: "deploy", windowMs: 0, returnAfterMs: 30_000 });
    await world.settled(drained);
    await world.settled(one.agent.stop());
    one.states.length = 0;
    await one.agent.start();
    const began = world.virtual.now();
    await world.until(() => waits(one).length > 0);
    const told = one.states.at(-1)?.state;
    expect(told).toMatchObject({ kind: "waiting", error: { code: "draining" } });
    if (told?.kind !== "waiting") throw new Error("it waits");
    expect(Math.abs(began + told.delayMs - 30_000 - shortSessionMs)).toBeLessThan(200);
  });
});

describe("a handover", () => {
  it("lets one go after the other, evenly over the window, to come back at once", async () => {
    const { principal } = await world.principal();
    const agents = await fleet(20);
    const began = world.virtual.now();
    const drained = principal.drain({ reason: "deploy", shape: "handover", windowMs: 20_000 });
    await world.virtual.advance(10_000);
    expect(principal.state).toBe("draining");
    const { remaining = 0 } = principal.draining ?? {};
    expect(remaining).toBeGreaterThanOrEqual(9);
    expect(remaining).toBeLessThanOrEqual(11);
    const report = await world.settled(drained, 120_000);
    expect(report).toMatchObject({ shape: "handover", sessions: 20, cutOff: 0 });
    await world.until(() => agents.every((one) => waits(one).length > 0));
    const left = firstWaits(agents).sort((a, b) => a.at - b.at);
    left.forEach(({ at, delayMs }, index) => {
      expect(delayMs).toBe(0);
      expect(at - began).toBeGreaterThanOrEqual(index * 1_000);
      expect(at - began).toBeLessThanOrEqual((index + 1) * 1_000 + 100);
    });
  });

  it("goes on serving for leadMs with readiness already failing", async () => {
    const { principal } = await world.principal();
    const [one] = await fleet(1, { onEvent: () => {} });
    const drained = principal.drain({ reason: "deploy", shape: "handover", windowMs: 0, leadMs: 5_000 });
    await world.virtual.advance(4_900);
    expect(principal.state).toBe("draining");
    await principal.publish("a0", command("x_1"));
    await world.virtual.advance(50);
    expect(one?.applied).toHaveLength(1);
    await world.settled(drained);
  });
});

describe("what is in flight", () => {
  it("gets its answer before the agent is let go, and nothing new is sent meanwhile", async () => {
    const { principal } = await world.principal();
    const ends: (() => void)[] = [];
    const onEvent = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
    const [one] = await fleet(1, { onEvent });
    await principal.publish("a0", command("x_1"));
    await world.virtual.advance(50);
    const drained = principal.drain({ reason: "deploy", windowMs: 0, answerWaitMs: 2_000 });
    await principal.publish("a0", command("y_1"));
    await world.virtual.advance(1_000);
    expect(ends).toHaveLength(1);
    ends[0]?.();
    const report = await world.settled(drained);
    expect(report).toMatchObject({ unsettledTotal: 0, cutOff: 0 });
    expect(one?.applied.map(({ resourceid }) => resourceid)).toEqual(["x_1"]);
  });

  it("is waited for no longer than answerWaitMs; the report says what is left, and exactly that is sent again", async () => {
    const { principal, store } = await world.principal();
    let slow = true;
    const heard: string[] = [];
    const onEvent = ({ event }: { event: { eventid: string } }): Promise<void> | void => {
      heard.push(event.eventid);
      if (slow) return new Promise(() => {});
    };
    const agents = await fleet(3, { onEvent });
    for (const resource of ["x_1", "y_1"]) await principal.publish("a0", command(resource));
    await principal.publish("a1", command("x_1"));
    await world.virtual.advance(100);
    const report = await world.settled(
      principal.drain({ reason: "deploy", windowMs: 1_000, answerWaitMs: 500 }),
      120_000,
    );
    expect([...report.unsettled].sort(([a], [b]) => a.localeCompare(b))).toEqual([
      ["a0", 2],
      ["a1", 1],
    ]);
    expect(report.unsettledTotal).toBe(3);
    await principal.stop();
    slow = false;
    for (const one of agents) one.kill();
    heard.length = 0;
    await world.principal({ store });
    const again = await Promise.all(
      agents.map(({ disk }, index) => world.agent({ name: `a${index}`, disk, onEvent })),
    );
    for (const { agent } of again) await agent.start();
    await world.until(() => heard.length === 3);
    await world.virtual.advance(60_000);
    expect(heard).toHaveLength(3);
  });
});

it("cuts off whoever does not go, after the grace, and says so", async () => {
  const { principal } = await world.principal();
  await fleet(2, { onEvent: () => new Promise(() => {}) });
  await principal.publish("a0", command("x_1"));
  await world.virtual.advance(50);
  // An agent gives its handlers ten seconds before it closes.
  const order = { reason: "deploy", windowMs: 0, answerWaitMs: 0, graceMs: 3_000 };
  const report = await world.settled(principal.drain(order), 120_000);
  expect(report).toMatchObject({ sessions: 2, cutOff: 1, unsettledTotal: 1, durationMs: 3_000 });
});

it("is one drain however often it is asked for", async () => {
  const { principal } = await world.principal();
  await fleet(2);
  const first = principal.drain({ reason: "deploy", windowMs: 1_000 });
  const second = principal.drain({ reason: "again", shape: "handover", windowMs: 60_000 });
  const [one, two] = await world.settled(Promise.all([first, second]));
  expect(two).toBe(one);
  expect(one.shape).toBe("restart");
});

describe("a stop while a drain is under way", () => {
  it("hastens one that would take longer: by SIGTERM a process has seconds (it waited for the whole window)", async () => {
    const { principal } = await world.principal({ stop: { windowMs: 2_000 } });
    const agents = await fleet(10);
    const drained = principal.drain({ reason: "deploy", shape: "handover", windowMs: 3_600_000 });
    await world.virtual.advance(10_000);
    const began = world.virtual.now();
    await world.settled(principal.stop(), 60_000);
    expect(world.virtual.now() - began).toBeLessThan(2_500);
    expect(await drained).toMatchObject({ shape: "handover", sessions: 10, cutOff: 0 });
    await world.until(() => agents.every((one) => waits(one).length > 0));
    const reasons = firstWaits(agents).map(({ reason }) => reason);
    expect(reasons.every((reason) => reason.startsWith("drained"))).toBe(true);
  });

  it("cuts off sooner whoever does not go, and lets a drain be that is through earlier", async () => {
    const { principal } = await world.principal({ stop: { windowMs: 0, answerWaitMs: 100, graceMs: 500 } });
    await fleet(2, { onEvent: () => new Promise<void>(() => {}) });
    await principal.publish("a0", command("stuck_u1"));
    await world.virtual.advance(100);
    const slow = principal.drain({ reason: "deploy", windowMs: 0, leadMs: 600_000, answerWaitMs: 0 });
    await world.virtual.advance(1_000);
    const began = world.virtual.now();
    await world.settled(principal.stop(), 60_000);
    expect(world.virtual.now() - began).toBeLessThan(1_000);
    expect(await slow).toMatchObject({ sessions: 2 });
  });
});

describe("a drain that is taken back", () => {
  it("lets those stay whose turn has not come, and everybody in again", async () => {
    const { principal } = await world.principal();
    const agents = await fleet(20, { onEvent: () => {} });
    const drained = principal.drain({ reason: "a slip", shape: "handover", windowMs: 20_000 });
    await world.virtual.advance(10_000);
    principal.undrain();
    expect([principal.state, principal.draining]).toEqual(["open", undefined]);
    const report = await world.settled(drained, 10_000);
    expect(report).toMatchObject({ sessions: 20, cutOff: 0, kept: expect.any(Number) });
    const waited = agents.filter((one) => waits(one).length > 0);
    expect(report.kept).toBe(20 - waited.length);
    expect(Math.abs(report.kept - 10)).toBeLessThanOrEqual(1);
    for (const one of agents) await world.connected(one);
    for (const name of names(20)) await principal.publish(name, command("x_1"));
    await world.virtual.advance(30_000);
    expect(agents.every(({ applied }) => applied.length === 1)).toBe(true);
    expect(agents.filter((one) => waits(one).length > 0)).toEqual(waited);
  });

  it("keeps everybody while it only leads, and lets in at their slots whoever was told to go", async () => {
    const { principal } = await world.principal();
    const agents = await fleet(5);
    const leading = principal.drain({ reason: "a slip", windowMs: 1_000, leadMs: 5_000 });
    await world.virtual.advance(4_000);
    principal.undrain();
    expect(await world.settled(leading)).toMatchObject({ sessions: 5, kept: 5, durationMs: 4_000 });
    expect(agents.some((one) => waits(one).length > 0)).toBe(false);
    const told = principal.drain({ reason: "a slip", windowMs: 1_000, returnAfterMs: 3_000 });
    expect(await world.settled(told)).toMatchObject({ sessions: 5, kept: 0 });
    principal.undrain();
    const began = world.virtual.now();
    for (const one of agents) await world.connected(one);
    expect(world.virtual.now() - began).toBeLessThan(5_000);
  });

  it("cuts off after the grace whoever was told and does not go; a later drain and a stop see to the others, and wait for those", async () => {
    const { principal } = await world.principal({ stop: { windowMs: 0, answerWaitMs: 0, graceMs: 500 } });
    const stuck = new Promise<void>(() => {});
    await fleet(2, { onEvent: () => stuck });
    await principal.publish("a0", command("x_1"));
    await world.virtual.advance(50);
    const order = { reason: "a slip", windowMs: 0, answerWaitMs: 0, graceMs: 3_000 };
    const first = principal.drain(order);
    await world.virtual.advance(1_000);
    principal.undrain();
    const second = principal.drain({ ...order, graceMs: 0 });
    expect(principal.draining).toMatchObject({ sessions: 0, remaining: 0 });
    expect(await world.settled(second, 60_000)).toMatchObject({ sessions: 0 });
    expect(await first).toMatchObject({ sessions: 2, cutOff: 1, kept: 0, durationMs: 3_000 });
    await world.settled(principal.stop(), 60_000);
  });

  it("is refused when there is none to take back", async () => {
    const { principal } = await world.principal();
    await fleet(1);
    const undrain = (): void => principal.undrain();
    expect(undrain).toThrow(
      expect.objectContaining({ code: "conflict", message: expect.stringContaining("none is under way") }),
    );
    const stopped = principal.stop();
    expect(undrain).toThrow(
      expect.objectContaining({ code: "conflict", message: expect.stringContaining("being stopped") }),
    );
    await world.settled(stopped, 60_000);
    expect(undrain).toThrow(expect.objectContaining({ code: "conflict" }));
  });
});
