import { CLOSE_CODES } from "@hawser/protocol";
import type { SessionEnd } from "@hawser/session";
import { beforeEach, describe, expect, it } from "vitest";
import { scriptPrincipal, type Caller } from "../test/scripted-principal.js";
import { waits, World, type SimulatedAgent } from "../test/world.js";

const ROTATION = {
  rotation: "make-before-break",
  timing: { rotationMinMs: 60_000, rotationMaxMs: 90_000 },
} as const;

let world: World;

beforeEach(() => {
  world = new World(23);
});

function sessions({ states }: SimulatedAgent): string[] {
  return states.flatMap(({ state }) => (state.kind === "connected" ? [state.sessionId] : []));
}

describe("an agent that makes before it breaks", () => {
  it("goes from session to session without being away for a moment", async () => {
    const { principal } = await world.principal();
    const one = await world.agent(ROTATION);
    await one.agent.start();
    await world.until(() => sessions(one).length === 6, 10 * 90_000);
    expect(one.states.map(({ state }) => state.kind)).toEqual([
      "restoring",
      "connecting",
      ...Array.from({ length: 6 }, () => "connected"),
    ]);
    expect(new Set(sessions(one)).size).toBe(6);
    await world.virtual.advance(1_000);
    expect(await world.settled(principal.agent("one"))).toMatchObject({ state: "connected" });
    expect(world.log.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });

  it("renews at once when asked, and closes the old connection with 1000", async () => {
    await world.principal();
    const one = await world.agent(ROTATION);
    await one.agent.start();
    await world.connected(one);
    expect(one.agent.rotate()).toBe(true);
    expect(one.agent.rotate()).toBe(true);
    await world.until(() => sessions(one).length === 2);
    await world.virtual.advance(1_000);
    expect(sessions(one)).toHaveLength(2);
    expect(waits(one)).toEqual([]);
    expect(world.network.counts).toMatchObject({ dials: 2 });
  });

  it("stays where it is while no new session can be had, and tries again with backoff", async () => {
    const callers: Caller[] = [];
    scriptPrincipal(world, (caller, count) => {
      callers.push(caller);
      if (count === 1 || count > 4) return caller.welcome();
      caller.say({ type: "refuse", code: "overloaded", message: "full", retry_after_ms: 7_000 });
      caller.connection.close(CLOSE_CODES.tryAgainLater, "full");
    });
    const one = await world.agent(ROTATION);
    await one.agent.start();
    await world.connected(one);
    const before = world.virtual.now();
    one.agent.rotate();
    await world.until(() => callers.length === 5);
    expect(world.virtual.now() - before).toBeGreaterThanOrEqual(3 * 7_000);
    expect(callers.slice(1).map(({ hello }) => hello.replaces)).toEqual(Array(4).fill("scripted"));
    expect(one.agent.state.kind).toBe("connected");
    expect(waits(one)).toEqual([]);
    expect(world.log.filter(({ msg }) => msg.startsWith("the connection is not renewed yet"))).toHaveLength(
      3,
    );
  });

  it("comes back as always when the present session ends before there is a new one", async () => {
    const callers: Caller[] = [];
    scriptPrincipal(world, (caller, count) => {
      callers.push(caller);
      if (count !== 2) caller.welcome();
    });
    const one = await world.agent(ROTATION);
    await one.agent.start();
    await world.connected(one);
    await world.virtual.advance(10_000);
    one.agent.rotate();
    await world.until(() => callers.length === 2);
    callers[0]?.connection.close(CLOSE_CODES.goingAway, "bye");
    await world.until(() => one.agent.state.kind === "connecting");
    // The second says nothing: its handshake times out, which counts as any other.
    await world.until(() => waits(one).length === 1);
    expect(waits(one)[0]?.reason).toContain("handshake_timeout");
    await world.connected(one);
    expect(callers).toHaveLength(3);
    expect(callers[2]?.hello.replaces).toBeUndefined();
  });

  it("stops cleanly in the middle of it", async () => {
    const callers: Caller[] = [];
    scriptPrincipal(
      world,
      (caller, count) => {
        callers.push(caller);
        if (count === 1) caller.welcome();
      },
      (caller, { type }) => {
        if (type === "goodbye") caller.say({ type: "farewell" });
      },
    );
    const one = await world.agent(ROTATION);
    await one.agent.start();
    await world.connected(one);
    one.agent.rotate();
    await world.until(() => callers.length === 2);
    await world.settled(one.agent.stop(), 9_000);
    expect(one.agent.state.kind).toBe("stopped");
    await world.virtual.advance(60_000);
    expect(callers).toHaveLength(2);
  });

  it("cuts neither connection when it stops at any moment of it", async () => {
    for (let run = 0; run < 300; run += 1) {
      const ends: string[] = [];
      world = new World(1 + Math.floor(run / 30));
      await world.principal();
      const ended = ({ kind }: SessionEnd): void => void ends.push(kind);
      const one = await world.agent({ ...ROTATION, observer: { ended } });
      await one.agent.start();
      await world.connected(one);
      one.agent.rotate();
      await world.virtual.advance(4 + (run % 30) / 2);
      await world.settled(one.agent.stop(), 9_000);
      expect(ends.length, `run ${run}`).toBeGreaterThan(0);
      expect(ends, `run ${run}`).not.toContain("failed");
    }
  });

  it("refuses another word for it", async () => {
    await expect(world.agent({ rotation: "never" as "make-before-break" })).rejects.toThrow(
      "rotation must be break-before-make or make-before-break, not never",
    );
  });
});
