import {
  encodeControl,
  HawserError,
  LIMITS,
  OUTPUT_REQUEST_TYPE,
  type CloudEvent,
  type EventDraft,
} from "@hawser/protocol";
import type { Connection } from "@hawser/transport";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReadAhead } from "./read-ahead.js";
import type { Delivery, Outcome } from "./delivery.js";
import { EarlyEvents } from "./early-events.js";
import { command, rejected, spec, status, TwoSides } from "./testing/two-sides.js";
import { inboxOf } from "./testing/test-lease.js";

describe("Link", () => {
  let sides: TwoSides;
  beforeEach(async () => {
    sides = new TwoSides();
    await sides.start();
  });
  afterEach(() => sides.stop());

  it("delivers what waited and what comes, in both directions, and empties the mailboxes", async () => {
    await sides.publish(sides.principal, "edge-1", [command("a"), command("b")]);
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.publish(sides.agent, "principal", [command("s")]);
    await sides.world.advance(100);
    expect(sides.agent.applied).toEqual(["a_u1@1", "b_u1@2", "a_u1@3"]);
    expect(sides.principal.applied).toEqual(["s_u1@1"]);
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, lastVersion: 3 });
    expect(await sides.agent.store.stats("principal")).toMatchObject({ pending: 0 });
  });

  it("sends only the newest of states that waited", async () => {
    await sides.publish(sides.principal, "edge-1", [spec("a", 1), spec("b", 1), spec("a", 2)]);
    await sides.connect();
    expect(sides.agent.applied).toEqual(["b_u1@2", "a_u1@3"]);
  });

  it("delivers a mailbox longer than memory may hold, in order per resource", async () => {
    sides.window = 4;
    const events = Array.from({ length: 3_000 }, (_, index) => command(`r${index % 7}`));
    await sides.publish(sides.principal, "edge-1", events);
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("r0"), command("last")]);
    await sides.world.advance(60_000);
    expect(sides.agent.deliveries).toHaveLength(3_002);
    const newest = new Map<string, number>();
    for (const { event, version } of sides.agent.deliveries) {
      expect(version).toBeGreaterThan(newest.get(event.resourceid) ?? 0);
      newest.set(event.resourceid, version);
    }
    expect(sides.principal.sent).toHaveLength(3_002);
  });

  it("delivers what lies behind a resource that fails, however much that one has waiting (it kept all others of the agent from being read)", async () => {
    const isStuck = { now: true };
    const stuck = ({ event }: Delivery): boolean => isStuck.now && event.resourceid.startsWith("stuck");
    sides.agent.handler = (delivery): Outcome =>
      stuck(delivery)
        ? { kind: "retry", error: new HawserError("handler_failed", "not yet") }
        : { kind: "applied" };
    const drafts = Array.from({ length: 900 }, (_, index) => command(`stuck${index % 3}`));
    await sides.publish(sides.principal, "edge-1", [...drafts, command("other")]);
    const link = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("stuck1"), command("another")]);
    await sides.world.advance(10_000);
    expect(sides.agent.applied.filter((id) => !id.startsWith("stuck"))).toEqual([
      "other_u1@901",
      "another_u1@903",
    ]);
    expect(link.settledFloor).toBe(0);
    expect(sides.principalLinks[0]?.settledFloor).toBe(0);
    isStuck.now = false;
    sides.agent.deliveries.length = 0;
    await sides.world.advance(200_000);
    for (const resource of ["stuck0_u1", "stuck1_u1", "stuck2_u1"]) {
      const versions = sides.agent.deliveries
        .filter(({ event }) => event.resourceid === resource)
        .map(({ version }) => version);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(new Set(versions).size).toBeGreaterThanOrEqual(300);
    }
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0 });
    expect(sides.principalLinks[0]?.settledFloor).toBe(903);
  });

  it("delivers although hundreds of resources wait for their next try", async () => {
    sides.agent.handler = ({ event }): Outcome =>
      event.resourceid.startsWith("r")
        ? { kind: "retry", error: new HawserError("handler_failed", "not yet") }
        : { kind: "applied" };
    const drafts = Array.from({ length: 1_500 }, (_, index) => command(`r${index}`));
    await sides.publish(sides.principal, "edge-1", [...drafts, command("other")]);
    await sides.connect();
    await sides.world.advance(60_000);
    expect(sides.agent.applied).toContain("other_u1@1501");
  });

  it("lets a new spec mend a resource of which more waits than memory holds", async () => {
    sides.agent.handler = ({ event }): Outcome =>
      event.eventid === "1"
        ? { kind: "retry", error: new HawserError("handler_failed", "not with this spec") }
        : { kind: "applied" };
    const commands = Array.from({ length: 100 }, () => command("a"));
    await sides.publish(sides.principal, "edge-1", [spec("a", 1), ...commands]);
    await sides.connect();
    await sides.world.advance(300_000);
    expect(new Set(sides.agent.applied)).toEqual(new Set(["a_u1@1"]));
    await sides.publish(sides.principal, "edge-1", [spec("a", 2)]);
    await sides.world.advance(1_000);
    const expected = Array.from({ length: 101 }, (_, index) => index + 2);
    const versions = sides.agent.deliveries.map(({ version }) => version);
    expect(versions.filter((version) => version > 1)).toEqual(expected);
  });

  it("tries a retryable refusal again and tells the attempt", async () => {
    let failures = 2;
    sides.agent.handler = (): Outcome => {
      failures -= 1;
      if (failures < 0) return { kind: "applied" };
      return { kind: "retry", error: new HawserError("handler_failed", "not yet") };
    };
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("a")]);
    await sides.world.advance(10_000);
    expect(sides.agent.deliveries.map(({ version, attempt }) => [version, attempt])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
    ]);
    expect(sides.agent.refused).toEqual(["a_u1@1 handler_failed", "a_u1@1 handler_failed"]);
  });

  it("moves a permanent refusal to the dead letters before the resource goes on", async () => {
    sides.agent.handler = ({ version }): Outcome =>
      version === 1 ? rejected(new HawserError("handler_rejected", "never")) : { kind: "applied" };
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("a")]);
    await sides.world.advance(1_000);
    expect(sides.principal.deadLettered).toEqual(["a_u1@1 handler_rejected"]);
    const letters = await sides.principal.store.deadLetters("edge-1", { limit: 10 });
    expect(letters.map(({ version, reason }) => [version, reason.code, reason.message])).toEqual([
      [1, "handler_rejected", "never"],
    ]);
    expect(sides.agent.applied).toEqual(["a_u1@1", "a_u1@2"]);
  });

  it("turns a handler that throws into a retryable refusal and keeps the session", async () => {
    let thrown = false;
    sides.agent.handler = (): Outcome => {
      if (thrown) return { kind: "applied" };
      thrown = true;
      throw new Error("boom");
    };
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("b")]);
    await sides.world.advance(10_000);
    expect(sides.agent.refused).toEqual(["a_u1@1 handler_failed"]);
    expect(sides.agent.applied).toEqual(["a_u1@1", "b_u1@2", "a_u1@1"]);
    expect(sides.agentEnds).toEqual([]);
  });

  it.each([
    ["opened", "agent"],
    ["sent", "principal"],
    ["acked", "principal"],
    ["nacked", "principal"],
    ["deadLettered", "principal"],
    ["applied", "agent"],
    ["refused", "agent"],
  ] as const)(
    "ends the session with internal, and nothing else, where an observer of %s throws",
    async (call, side) => {
      let thrown = false;
      sides[side].observer[call] = () => {
        if (thrown) return;
        thrown = true;
        throw new TypeError("a bug in an observer");
      };
      sides.agent.handler = ({ version }): Outcome =>
        version === 2 ? rejected(new HawserError("handler_rejected", "never")) : { kind: "applied" };
      await sides.publish(sides.principal, "edge-1", [command("a"), command("b"), command("c")]);
      await sides.connect();
      await sides.world.advance(100);
      const [ownEnd] = side === "agent" ? sides.agentEnds : sides.principalEnds;
      const [peerEnd] = side === "agent" ? sides.principalEnds : sides.agentEnds;
      expect(ownEnd).toMatchObject({ kind: "failed", error: { code: "internal" } });
      expect(peerEnd).toMatchObject({
        kind: "failed",
        transport: { kind: "closed", code: 1011, by: "peer" },
      });
      await sides.connect();
      await sides.world.advance(10_000);
      expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 1 });
    },
  );

  it("tells its owner of the end although an observer of it throws", async () => {
    sides.agent.observer.ended = () => {
      throw new TypeError("a bug in an observer");
    };
    const link = await sides.connect();
    link.fail(new HawserError("internal", "enough"));
    await sides.world.advance(100);
    expect(sides.agentEnds).toHaveLength(1);
  });

  it("does not acknowledge what it could not record, and does later", async () => {
    await sides.connect();
    sides.agent.disk.failWrites(new HawserError("store_full", "no space left"));
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(1_000);
    expect(sides.agent.refused.at(-1)).toBe("a_u1@1 store_full");
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 1 });
    sides.agent.disk.failWrites(undefined);
    await sides.world.advance(60_000);
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
  });

  it("makes no dead letter of a request for output, whether it is refused or has expired", async () => {
    const refuse = (): Outcome => rejected(new HawserError("no_handler", "shows nothing"));
    sides.agent.handler = ({ event }): Outcome =>
      event.type === OUTPUT_REQUEST_TYPE ? refuse() : { kind: "applied" };
    const past = new Date(sides.world.wallTime() - 1).toISOString();
    const request = (extra: object): EventDraft =>
      command("a", {
        type: OUTPUT_REQUEST_TYPE,
        subject: "Task/a",
        data: { kind: "Task", name: "a", request: "r", forMs: 1 },
        ...extra,
      });
    const events = [request({ expirytime: past }), request({}), command("a")];
    await sides.publish(sides.principal, "edge-1", events);
    await sides.connect();
    await sides.world.advance(1_000);
    expect(sides.agent.applied).toEqual(["a_u1@2", "a_u1@3"]);
    expect(sides.agent.refused).toEqual(["a_u1@2 no_handler"]);
    expect(sides.principal.deadLettered).toEqual([]);
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
  });

  it("dead-letters an expired command instead of sending it, until somebody does (it expired again at once)", async () => {
    const past = new Date(sides.world.wallTime() - 1).toISOString();
    await sides.publish(sides.principal, "edge-1", [command("a", { expirytime: past }), command("b")]);
    await sides.connect();
    expect(sides.agent.applied).toEqual(["b_u1@2"]);
    expect(sides.principal.deadLettered).toEqual(["a_u1@1 expired"]);
    await sides.principal.store.requeue("edge-1", 1);
    await sides.world.advance(100);
    expect(sides.agent.applied).toEqual(["b_u1@2", "a_u1@3"]);
  });

  it("hands over to a newer connection and resends what was not answered, which is not applied again", async () => {
    const handlers: ((outcome: Outcome) => void)[] = [];
    sides.agent.handler = () => new Promise<Outcome>((resolve) => handlers.push(resolve));
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(10);
    await sides.connect();
    expect(sides.principalEnds.map(({ kind }) => kind)).toEqual(["superseded"]);
    expect(sides.principal.sent.map(({ event, attempt }) => [event.eventid, attempt])).toEqual([
      ["1", 1],
      ["1", 1],
    ]);
    for (const done of handlers) done({ kind: "applied" });
    await sides.world.advance(100);
    expect(sides.agent.applied).toEqual(["a_u1@1"]);
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0 });
  });

  it("redelivers nothing over a rotation under load", async () => {
    sides.timing = { rotationMinMs: 1_000, rotationMaxMs: 1_000 };
    for (let round = 0; round < 5; round += 1) {
      await sides.connect();
      for (let tick = 0; tick < 200; tick += 1) {
        await sides.publish(sides.principal, "edge-1", [command(`r${tick % 5}`), command("x")]);
        await sides.publish(sides.agent, "principal", [command(`r${tick % 5}`)]);
        await sides.world.advance(7);
        if (sides.agentEnds.length > round) break;
      }
      expect(sides.agentEnds.map(({ kind }) => kind)).toEqual(
        Array.from({ length: round + 1 }, () => "rotated"),
      );
    }
    await sides.connect();
    await sides.world.advance(900);
    const versions = sides.principal.sent.map(({ event }) => event.eventid);
    expect(new Set(versions).size).toBe(versions.length);
    expect(sides.agent.skipped).toEqual([]);
    expect(sides.principal.skipped).toEqual([]);
    expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0 });
    expect(await sides.agent.store.stats("principal")).toMatchObject({ pending: 0 });
  });

  it.each([
    ["the last event is answered", true],
    ["the session has ended", false],
  ])("tells once that it is quiet: when %s", async (_, isAnswered) => {
    let finish: (outcome: Outcome) => void = () => {};
    sides.agent.handler = () =>
      new Promise<Outcome>((resolve) => {
        finish = resolve;
      });
    const link = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(10);
    let told = 0;
    sides.principalLinks[0]?.quiesce(() => {
      told += 1;
    });
    await sides.world.advance(10);
    expect(told).toBe(0);
    if (isAnswered) finish({ kind: "applied" });
    else link.connection.terminate(new HawserError("connection_closed", "cut"));
    await sides.world.advance(100);
    link.connection.terminate(new HawserError("connection_closed", "cut"));
    await sides.world.advance(100);
    expect(told).toBe(1);
  });

  it("refuses a single event it can name and goes on", async () => {
    const link = await sides.connect();
    sides.principalLinks[0]?.connection.send({ ...command("a"), eventid: "7", type: "hawser.unknown.v1" });
    await sides.world.advance(100);
    expect(sides.agentEnds).toEqual([]);
    expect(link.session.state.kind).toBe("open");
    expect(sides.agent.applied).toEqual([]);
  });

  it("closes with protocol error on an event without resourceid", async () => {
    await sides.connect();
    sides.principalLinks[0]?.connection.send({
      specversion: "1.0",
      id: "1",
      source: "x",
      type: "x.y",
      eventid: "1",
    });
    await sides.world.advance(100);
    expect(sides.agentEnds).toMatchObject([{ kind: "failed", error: { code: "missing_resourceid" } }]);
    expect(sides.principalEnds).toMatchObject([{ transport: { kind: "closed", code: 1002 } }]);
  });

  it("cuts a peer off that does not keep to the window of bytes, twice of it or of the largest frame", async () => {
    sides.windowBytes = 1_000;
    sides.agent.handler = () => new Promise<Outcome>(() => undefined);
    await sides.connect();
    const data = "x".repeat(LIMITS.maxEventBytes - 1_000);
    const send = (version: number): void => {
      sides.principalLinks[0]?.connection.send({
        ...command(`r${version}`, { data }),
        eventid: String(version),
      });
    };
    send(1);
    send(2);
    await sides.world.advance(100);
    expect(sides.agentEnds).toEqual([]);
    send(3);
    await sides.world.advance(100);
    expect(sides.agentEnds).toMatchObject([{ kind: "failed", error: { code: "window_exceeded" } }]);
    expect(sides.agentEnds).toMatchObject([{ error: { message: expect.stringContaining("1000 bytes") } }]);
  });

  it("keeps to the window of bytes the peer announces, and to its own", async () => {
    sides.windowBytes = 3_000;
    sides.agent.handler = () => new Promise<Outcome>(() => undefined);
    await sides.connect();
    const data = "x".repeat(1_000);
    const drafts = [1, 2, 3, 4].map((n) => command(`r${n}`, { data }));
    await sides.publish(sides.principal, "edge-1", drafts);
    await sides.world.advance(100);
    expect(sides.agent.applied).toHaveLength(2);
  });

  it("holds no more bytes of a mailbox in memory than it may, and delivers all of it", async () => {
    sides.window = 1_000;
    sides.windowBytes = 100_000;
    sides.readAhead = new ReadAhead({ sessionBytes: 100_000 });
    const data = "x".repeat(10_000);
    const drafts = Array.from({ length: 200 }, (_, n) => command(`r${n}`, { data }));
    await sides.publish(sides.principal, "edge-1", drafts);
    const release: (() => void)[] = [];
    sides.agent.handler = () =>
      new Promise<Outcome>((resolve) => release.push(() => resolve({ kind: "applied" })));
    await sides.connect();
    expect(sides.agent.applied.length).toBeGreaterThan(5);
    let most = 0;
    while (release.length > 0) {
      most = Math.max(most, sides.readAhead.heldBytes);
      release.shift()?.();
      await sides.world.advance(10);
    }
    expect(sides.agent.applied).toHaveLength(200);
    expect(most).toBeGreaterThan(50_000);
    expect(most).toBeLessThanOrEqual(111_000);
    expect(sides.readAhead.heldBytes).toBe(0);
  });

  it("holds 8 MiB of a heavy mailbox for an agent that reads nothing (it held all of it)", async () => {
    sides.window = 256;
    const data = "x".repeat(950_000);
    const drafts = Array.from({ length: 40 }, (_, n) => command(`r${n}`, { data }));
    await sides.publish(sides.principal, "edge-1", drafts);
    const link = await sides.dial();
    link.start();
    link.connection.pause();
    await sides.world.advance(5_000);
    expect(sides.principalLinks[0]?.inFlight).toBeGreaterThan(0);
    expect(sides.readAhead.heldBytes).toBeGreaterThan(2_000_000);
    expect(sides.readAhead.heldBytes).toBeLessThanOrEqual(8_388_608 + 1_000_000);
    expect(sides.principalLinks[0]?.connection.bufferedBytes).toBeLessThan(3_000_000);
  });

  it("never cuts a peer off that keeps to the window, however much memory its events take, and bounds that", async () => {
    sides.window = 64;
    // 96 KB each, and 2 MB in memory. 64 MiB is what a window of 8 MiB may come to.
    const data = Array.from({ length: 32_000 }, () => ({}));
    const drafts = Array.from({ length: 40 }, (_, n) => command(`r${n}`, { data }));
    await sides.publish(sides.principal, "edge-1", drafts);
    const release: (() => void)[] = [];
    sides.agent.handler = () =>
      new Promise<Outcome>((resolve) => release.push(() => resolve({ kind: "applied" })));
    await sides.connect();
    await sides.world.advance(30_000);
    expect(sides.agent.applied).toHaveLength(32);
    expect(new Set(sides.agent.refused.map((refused) => refused.split(" ")[1]))).toEqual(
      new Set(["inbox_full"]),
    );
    for (let step = 0; step < 100 && sides.agent.applied.length < 40; step += 1) {
      for (const finish of release.splice(0)) finish();
      await sides.world.advance(10_000);
    }
    expect(sides.agent.applied).toHaveLength(40);
    expect([sides.agentEnds, sides.principalEnds]).toEqual([[], []]);
  });

  it("ignores an ACK of what was never sent", async () => {
    sides.window = 1;
    sides.agent.handler = () => new Promise<Outcome>(() => undefined);
    const link = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("b")]);
    await sides.world.advance(10);
    const acks = [{ resourceid: "b_u1", eventid: "2" }];
    link.connection.send(encodeControl({ type: "ack", acks }, { id: "x", source: "test" }));
    await sides.world.advance(10);
    const stats = sides.principal.store.stats("edge-1");
    await sides.world.advance(0);
    expect(await stats).toMatchObject({ pending: 2 });
  });

  it("cuts a peer off that does not keep to the window", async () => {
    sides.window = 4;
    sides.agent.handler = () => new Promise<Outcome>(() => undefined);
    await sides.connect();
    for (let version = 1; version <= 9; version += 1) {
      sides.principalLinks[0]?.connection.send({ ...command(`r${version}`), eventid: String(version) });
    }
    await sides.world.advance(100);
    expect(sides.agentEnds).toMatchObject([{ kind: "failed", error: { code: "window_exceeded" } }]);
    expect(sides.principalEnds).toMatchObject([{ transport: { code: 4006 } }]);
  });

  it.each([
    ["an ACK", { type: "ack", acks: [{ resourceid: "a_u1", eventid: "1" }] }],
    ["a heartbeat", { type: "heartbeat", settled: "0" }],
  ] as const)("closes with protocol error on %s before the hello", async (_, message) => {
    const closes = await strangerSays([encodeControl(message, { id: "1", source: "stranger" })]);
    expect(closes).toEqual([1002]);
  });

  it("keeps nothing of what comes before the hello, nor of what follows it", async () => {
    const keep = vi.spyOn(EarlyEvents.prototype, "keep");
    const events = [1, 2, 3].map((version) => ({ ...command("a"), eventid: String(version) }));
    expect(await strangerSays(events)).toEqual([1002]);
    expect(keep).not.toHaveBeenCalled();
    keep.mockRestore();
  });

  /** What is said on a connection without a hello, and the close codes that come back. */
  async function strangerSays(events: readonly CloudEvent[]): Promise<readonly number[]> {
    const dialled = sides.transport.dialer.dial();
    await sides.world.advance(1);
    const connection = await dialled;
    const closes: number[] = [];
    connection.open({
      message: () => {},
      writable: () => {},
      ended: (end) => closes.push(end.kind === "closed" ? end.code : 0),
    });
    for (const event of events) connection.send(event);
    await sides.world.advance(100);
    return closes;
  }

  it("notices silence on both sides and lets go", async () => {
    await sides.connect();
    sides.transport.dialer.blackhole();
    await sides.world.advance(121_000);
    expect(sides.agentEnds).toMatchObject([{ kind: "failed", error: { code: "heartbeat_timeout" } }]);
    expect(sides.principalEnds).toMatchObject([{ kind: "failed", error: { code: "heartbeat_timeout" } }]);
  });

  it("does not take a peer for silent whose message is under way, and ends it when that stands still (heartbeats wait behind it on a slow line)", async () => {
    let swallows = false;
    let perSecond = 9_000;
    let received = 0;
    const counted = (connection: Connection): Connection =>
      new Proxy(connection, {
        get(target, name) {
          if (name === "receivedBytes") return received;
          const value: unknown = Reflect.get(target, name, target);
          if (name === "send" && swallows) return () => "queued";
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    sides.wrap = counted;
    await sides.connect();
    swallows = true;
    const pass = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        received += perSecond;
        await sides.world.advance(1_000);
      }
    };
    await pass(1_000);
    expect([sides.agentEnds, sides.principalEnds]).toEqual([[], []]);
    perSecond = 20;
    await pass(200);
    // One of them gives the other up, which is cut off.
    const ends = [...sides.agentEnds, ...sides.principalEnds].map((end) => "error" in end && end.error.code);
    expect([ends.length, new Set(ends)]).toEqual([2, new Set(["connection_closed", "heartbeat_timeout"])]);
  });

  it("forgets settled versions by the floor in heartbeats", async () => {
    await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a"), command("b")]);
    await sides.world.advance(45_000);
    const { settled, applied } = await inboxOf(sides.agent.store, "principal");
    expect(settled).toBe(2);
    expect(applied.size).toBe(0);
  });

  it("resends retained state to an agent whose disk was lost, and takes its new events", async () => {
    await sides.publish(sides.principal, "edge-1", [spec("a", 1)]);
    await sides.publish(sides.agent, "principal", [command("s")]);
    await sides.connect();
    await sides.world.advance(100);
    await sides.replaceAgent();
    await sides.publish(sides.agent, "principal", [command("s")]);
    await sides.connect();
    await sides.world.advance(1_000);
    expect(sides.agent.applied).toEqual(["a_u1@1"]);
    expect(sides.principal.applied).toEqual(["s_u1@1", "s_u1@1"]);
  });

  it("gives a principal that lost its disk the statuses again, whatever floor the hello names (a status was taken for stale and lost)", async () => {
    const link = await sides.connect();
    await sides.publish(sides.agent, "principal", [status("a", 1), command("s")]);
    await sides.world.advance(100);
    expect(link.settledFloor).toBe(2);
    link.connection.terminate(new HawserError("connection_closed", "cut"));
    await sides.replacePrincipal();
    await sides.connect(link.settledFloor);
    await sides.world.advance(100);
    expect(sides.principal.skipped).toEqual([]);
    expect(sides.principal.applied).toEqual(["a_u1@1"]);
  });

  it("names no floor in heartbeats before its mailbox is open (the one of the session before made the same loss)", async () => {
    sides.timing = { heartbeatIntervalMs: 20, heartbeatTimeoutMs: 1_000 };
    const link = await sides.connect();
    await sides.publish(sides.agent, "principal", [status("a", 1), command("s")]);
    await sides.world.advance(100);
    link.connection.terminate(new HawserError("connection_closed", "cut"));
    await sides.replacePrincipal();
    const { store } = sides.agent;
    const open = store.open.bind(store);
    store.open = async (...claim) => {
      await new Promise<void>((resolve) => sides.world.runtime.timers.after(100, resolve));
      return open(...claim);
    };
    await sides.connect(link.settledFloor);
    await sides.world.advance(300);
    expect(sides.principal.skipped).toEqual([]);
    expect(sides.principal.applied).toEqual(["a_u1@1"]);
  });

  it("claims no mailbox for a session that is being closed when its hello is accepted (it ended the one that was there)", async () => {
    sides.timing = { handshakeTimeoutMs: 1_000, closeGraceMs: 60_000 };
    await sides.connect();
    let admit = (): void => {};
    sides.admitting = new Promise((resolve) => (admit = resolve));
    const dialled = sides.transport.dialer.dial();
    await sides.world.advance(1);
    const connection = await dialled;
    connection.open({ message: () => {}, writable: () => {}, ended: () => {} });
    const hello = {
      type: "hello",
      agent: "edge-1",
      protocol_versions: ["1"],
      store: "x",
      window: 16,
    } as const;
    const words = { ...hello, settled: "0", software: "test" } as const;
    connection.send(encodeControl(words, { id: "1", source: "test" }));
    await sides.world.advance(10);
    // It reads no more, so it does not finish the close.
    connection.pause();
    await sides.world.advance(2_000);
    admit();
    await sides.world.advance(10);
    expect([sides.agentEnds, sides.principalEnds]).toEqual([[], []]);
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(10);
    expect(sides.agent.applied).toEqual(["a_u1@1"]);
  });

  it("tells of a dead letter that is written as the session ends (it went uncounted)", async () => {
    const { store } = sides.principal;
    const open = store.open.bind(store);
    store.open = async (...claim) => {
      const lease = await open(...claim);
      const deadLetter = lease.deadLetter.bind(lease);
      lease.deadLetter = async (...letter) => {
        const isMoved = await deadLetter(...letter);
        await new Promise<void>((resolve) => sides.world.runtime.timers.after(50, resolve));
        return isMoved;
      };
      return lease;
    };
    sides.agent.handler = () => rejected(new HawserError("handler_rejected", "never"));
    const link = await sides.connect();
    await sides.publish(sides.principal, "edge-1", [command("a")]);
    await sides.world.advance(20);
    expect(sides.principal.deadLettered).toEqual([]);
    link.connection.terminate(new HawserError("connection_closed", "cut"));
    await sides.world.advance(100);
    expect(sides.principal.deadLettered).toEqual(["a_u1@1 handler_rejected"]);
  });
});
