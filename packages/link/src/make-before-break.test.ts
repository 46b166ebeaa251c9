import { HawserError } from "@hawser/protocol";
import type { AgentSession } from "@hawser/session";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Link } from "./link.js";
import type { Outcome } from "./receiver.js";
import { command, rejected, TwoSides } from "./two-sides.test-support.js";

/** A connection that breaks without a word. */
const CUT = new HawserError("connection_closed", "the cable was pulled");

/** Its agent forgets to say goodbye. */
function keepsQuiet(link: Link<AgentSession>): void {
  const perform = link.perform.bind(link);
  link.perform = (outputs) => {
    perform(outputs.filter((output) => output.kind !== "send" || output.message.type !== "goodbye"));
  };
}

describe("a session that another one continues", () => {
  let sides: TwoSides;
  beforeEach(async () => {
    sides = new TwoSides();
    await sides.start();
  });
  afterEach(() => sides.stop());

  async function nothingWaits(): Promise<void> {
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
    expect(await sides.agent.store.stats("principal")).toMatchObject({ pending: 0, deadLetters: 0 });
  }

  it("ends clean on both sides; nothing under load is sent twice or applied twice, in either direction", async () => {
    let link = await sides.connect();
    for (let round = 0; round < 20; round += 1) {
      for (let tick = 0; tick < 5; tick += 1) {
        await sides.publish(sides.principal, "edge-1", [command(`r${tick}`), command("x"), command("x")]);
        await sides.publish(sides.agent, "principal", [command(`s${tick}`), command("y")]);
        await sides.world.advance(tick);
      }
      link = await sides.renew(link, async () => {
        await sides.publish(sides.principal, "edge-1", [command("x"), command("x")]);
        await sides.publish(sides.agent, "principal", [command("y"), command("y")]);
      });
    }
    await sides.world.advance(1_000);
    for (const side of [sides.principal, sides.agent]) {
      const versions = side.sent.map(({ event }) => event.eventid);
      expect(new Set(versions).size).toBe(versions.length);
      expect(side.skipped).toEqual([]);
    }
    expect(sides.agent.applied).toHaveLength(20 * 17);
    expect(sides.principal.applied).toHaveLength(20 * 12);
    const rotated = Array.from({ length: 20 }, () => "rotated");
    expect(sides.agentEnds.map(({ kind }) => kind)).toEqual(rotated);
    expect(sides.principalEnds.map(({ kind }) => kind)).toEqual(rotated);
    await nothingWaits();
  });

  it("takes along what is in flight: its handler ends on the new session, and nothing is sent again", async () => {
    const handlers: ((outcome: Outcome) => void)[] = [];
    sides.agent.handler = () => new Promise<Outcome>((resolve) => handlers.push(resolve));
    const link = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("b"), command("a")]);
    await sides.world.advance(10);
    await sides.renew(link);
    expect(sides.agentEnds.map(({ kind }) => kind)).toEqual(["rotated"]);
    expect(sides.principalLinks.map(({ inFlight }) => inFlight)).toEqual([0, 2]);
    for (const done of handlers.splice(0)) done({ kind: "applied" });
    await sides.world.advance(100);
    for (const done of handlers.splice(0)) done({ kind: "applied" });
    await sides.world.advance(100);
    expect(sides.principal.sent.map(({ event, attempt }) => [event.eventid, attempt])).toEqual([
      ["1", 1],
      ["2", 1],
      ["3", 1],
    ]);
    await nothingWaits();
  });

  it("counts answers that come on the old connection after the new one has the mailbox", async () => {
    const handlers: ((outcome: Outcome) => void)[] = [];
    sides.agent.handler = () => new Promise<Outcome>((resolve) => handlers.push(resolve));
    const old = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("b")]);
    await sides.world.advance(10);
    // The principal has moved its sender while the agent, whose welcome is still under way, answers where it always has.
    const next = await sides.dial(old);
    next.start(old.settledFloor);
    for (const [index, done] of handlers.splice(0).entries())
      done(index === 0 ? { kind: "applied" } : rejected(new HawserError("handler_rejected", "never")));
    await sides.world.advance(100);
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 1 });
    expect(sides.principal.deadLettered).toEqual(["b_u1@2 handler_rejected"]);
    expect(sides.principal.sent).toHaveLength(2);
  });

  it("ends at once, on both sides, when the new connection breaks before the old one was left; nothing is lost", async () => {
    const old = await sides.connect();
    const next = await sides.dial(old);
    keepsQuiet(old);
    next.start(old.settledFloor);
    await sides.world.advance(10);
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    next.connection.terminate(CUT);
    await sides.world.advance(10);
    expect(sides.agentEnds).toHaveLength(2);
    expect(sides.principalEnds).toHaveLength(2);
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("b")]);
    await sides.world.advance(100);
    expect(sides.agent.applied).toEqual(["a_u1@1", "b_u1@2"]);
    await nothingWaits();
  });

  it("whose new connection is cut at any moment loses nothing and applies nothing twice", async () => {
    for (let cutAfter = 0; cutAfter < 12; cutAfter += 1) {
      const world = new TwoSides(cutAfter + 1);
      await world.start();
      const old = await world.connect();
      await world.publish(world.principal, "edge-1", [command("a"), command("b")]);
      await world.publish(world.agent, "principal", [command("c")]);
      const next = await world.dial(old);
      next.start(old.settledFloor);
      for (let step = 0; step < cutAfter; step += 1) await world.world.advance(0);
      next.connection.terminate(CUT);
      await world.world.advance(100);
      if (world.agentEnds.length > 1) await world.connect(old.settledFloor);
      await world.publish(world.principal, "edge-1", [command("a"), command("b")]);
      await world.publish(world.agent, "principal", [command("c")]);
      await world.world.advance(60_000);
      if (world.agentEnds.length > 1 || world.principalEnds.length > 1) {
        await world.connect(old.settledFloor);
        await world.world.advance(60_000);
      }
      expect([cutAfter, world.agent.applied.toSorted()]).toEqual([
        cutAfter,
        ["a_u1@1", "a_u1@3", "b_u1@2", "b_u1@4"],
      ]);
      expect([cutAfter, world.principal.applied]).toEqual([cutAfter, ["c_u1@1", "c_u1@2"]]);
      expect(await world.principal.store.stats("edge-1")).toMatchObject({ pending: 0 });
      await world.stop();
    }
  });

  it("is taken over as always when the principal has lost its store, or the window is another", async () => {
    const old = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(10);
    sides.window = 8;
    const next = await sides.renew(old);
    await sides.world.advance(100);
    expect(sides.principalEnds.map(({ kind }) => kind)).toEqual(["superseded"]);
    expect(next.session.state.kind).toBe("open");
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(100);
    expect(sides.agent.applied).toEqual(["a_u1@1", "a_u1@2"]);
  });

  it("does not keep waiting for an agent that stays on the old one", async () => {
    const old = await sides.connect();
    const next = await sides.dial(old);
    keepsQuiet(old);
    next.start(old.settledFloor);
    await sides.world.advance(9_000);
    expect(sides.principalEnds).toEqual([]);
    await sides.world.advance(2_000);
    expect(sides.principalEnds.map(({ kind }) => kind)).toEqual(["superseded"]);
    expect(next.session.state.kind).toBe("open");
  });
});
