import type { AgentLink, Outcome } from "@hawser/link";
import {
  encodeControl,
  HawserError,
  jsonCodec,
  protobufCodec,
  type Codec,
  type HawserEvent,
} from "@hawser/protocol";
import type { Established } from "@hawser/session";
import { createMemoryStore, type Store } from "@hawser/store";
import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport, type MemoryTransport } from "@hawser/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { createPrincipal } from "../create-principal.js";
import type { Principal, PrincipalOptions } from "../principal.js";
import { heldBy } from "../testing/held-by.js";
import { BareAgent } from "../testing/bare-agent.js";

/** A principal over a memory transport, and what it did. */
class Stage {
  readonly world: VirtualRuntime = createVirtualRuntime({ seed: 1 });
  readonly transport: MemoryTransport;
  readonly store: Store;
  readonly principal: Principal;
  readonly opened: Established[] = [];
  /** Events that were sent, as `agent resourceid@eventid`, resends of one session left out. */
  readonly sent: string[] = [];
  readonly refusals: string[] = [];
  #published = 0;

  constructor(options: Partial<PrincipalOptions> = {}, codec?: Codec) {
    const { runtime } = this.world;
    this.transport = createMemoryTransport({
      timers: runtime.timers,
      ...(codec === undefined ? {} : { codec }),
    });
    this.store = createMemoryStore({ runtime });
    this.principal = createPrincipal({
      store: this.store,
      acceptors: [this.transport.acceptor],
      runtime,
      observer: {
        sessionRefused: (agent, code) => this.refusals.push(`${agent} ${code}`),
        link: (agent) => ({
          opened: (session) => this.opened.push(session),
          sent: (event: HawserEvent, attempt) => {
            if (attempt === 1) this.sent.push(`${agent} ${event.resourceid}@${event.eventid}`);
          },
        }),
      },
      ...options,
    });
    onTestFinished(async () => {
      const stopped = this.principal.stop().then(() => this.store.stop());
      await this.world.advance(60_000);
      await stopped;
    });
  }

  async start(): Promise<this> {
    await this.principal.start();
    return this;
  }

  async agent(name = "edge-1"): Promise<BareAgent> {
    const agent = new BareAgent(this.world, this.transport, name);
    await agent.store.start();
    return agent;
  }

  async publish(agent: string, resourceid: string): Promise<void> {
    this.#published += 1;
    const id = String(this.#published);
    await this.principal.publish(agent, {
      specversion: "1.0",
      id,
      source: "test",
      type: "test.command",
      resourceid,
    });
    await this.world.advance(5);
  }
}

const never = (): Promise<Outcome> => new Promise<Outcome>(() => {});

describe("a second connection of the same agent", () => {
  it.each([
    ["JSON", jsonCodec],
    ["protobuf", protobufCodec],
  ] as const)(
    "takes over, with %s frames: the first ends, nothing is applied twice",
    async (_name, codec) => {
      const stage = await new Stage({}, codec).start();
      const agent = await stage.agent();
      const handlers: ((outcome: Outcome) => void)[] = [];
      agent.handler = () => new Promise<Outcome>((resolve) => handlers.push(resolve));
      await agent.connect();
      await stage.publish("edge-1", "a_1");
      const second = await agent.connect();

      expect(agent.ends.map(({ kind }) => kind)).toEqual(["superseded"]);
      const epochs = stage.opened.map(({ epoch }) => epoch);
      expect(epochs).toEqual([1, 2]);
      const view = await stage.principal.agent("edge-1");
      expect(view).toMatchObject({
        state: "connected",
        session: { epoch: 2, id: stage.opened[1]?.sessionId },
      });

      // What the first had not answered is sent by the second, and its answer counts there.
      expect(stage.sent).toEqual(["edge-1 a_1@1", "edge-1 a_1@1"]);
      for (const resolve of handlers) resolve({ kind: "applied" });
      await stage.world.advance(100);
      expect(agent.handled).toEqual(["a_1@1"]);
      expect(await stage.principal.agent("edge-1")).toMatchObject({ pending: 0 });

      second.connection.terminate(new HawserError("connection_closed", "cut"));
      await stage.world.advance(100);
      expect((await stage.principal.agent("edge-1"))?.state).toBe("disconnected");
    },
  );

  it("leaves the sessions of other agents alone", async () => {
    const stage = await new Stage().start();
    const [one, other] = [await stage.agent("edge-1"), await stage.agent("edge-2")];
    await one.connect();
    await other.connect();
    await one.connect();
    expect(other.ends).toEqual([]);
    await stage.publish("edge-2", "a_1");
    expect(other.handled).toEqual(["a_1@1"]);
  });
});

describe("an agent that is removed", () => {
  it("is refused when it comes back, by name and with a remedy, and so is whoever publishes to it, until it is readmitted", async () => {
    const stage = await new Stage().start();
    const agent = await stage.agent();
    await agent.connect();
    await stage.publish("edge-1", "a_1");
    await stage.world.advance(1_000);
    const removed = stage.principal.removeAgent("edge-1");
    await stage.world.advance(30_000);
    await removed;
    const words = /^agent edge-1 was removed at \d{4}-.*hawser agents readmit edge-1$/;
    const refused = { code: "agent_removed", message: expect.stringMatching(words) };
    await agent.connect();
    expect(agent.ends.at(-1)).toMatchObject({ kind: "refused", code: "agent_removed" });
    expect(stage.refusals).toEqual(["edge-1 agent_removed"]);
    const { principal } = stage;
    await expect(stage.publish("edge-1", "a_1")).rejects.toMatchObject(refused);
    for (const dryRun of [true, false])
      await expect(principal.resources.put("edge-1", "Thing", "x", 1, { dryRun })).rejects.toMatchObject(
        refused,
      );
    expect(await principal.agent("edge-1")).toBeUndefined();
    expect(await stage.store.stats("edge-1")).toBeUndefined();
    expect(await principal.removedAgents({ limit: 10 })).toEqual([
      { name: "edge-1", removedAt: expect.any(Number) },
    ]);
    await expect(principal.removeAgent("edge-1")).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("it was removed at"),
    });

    const readmitting = principal.readmitAgent("edge-1");
    await stage.world.advance(1_000);
    await readmitting;
    await expect(principal.readmitAgent("edge-1")).rejects.toMatchObject({ code: "not_found" });
    expect(await principal.removedAgents({ limit: 10 })).toEqual([]);
    await agent.connect();
    await stage.publish("edge-1", "a_1");
    await stage.world.advance(1_000);
    expect(agent.handled.at(-1)).toMatch(/^a_1@/);
    expect(await principal.agent("edge-1")).toMatchObject({ pending: 0, state: "connected" });
  });

  it("that only said hello is refused as well when it comes back", async () => {
    const stage = await new Stage().start();
    const agent = await stage.agent();
    await agent.connect();
    const removed = stage.principal.removeAgent("edge-1");
    await stage.world.advance(30_000);
    await removed;
    await agent.connect();
    expect(agent.ends.at(-1)).toMatchObject({ kind: "refused", code: "agent_removed" });
  });

  it("is kept while events for it are pending, unless that is forced, and without a tombstone begins anew without a gap in its trust", async () => {
    const stage = await new Stage().start();
    const agent = await stage.agent();
    await agent.connect();
    for (const resourceid of ["a_1", "b_1"]) await stage.publish("edge-1", resourceid);
    await stage.world.advance(1_000);
    agent.handler = never;
    await stage.publish("edge-1", "c_1");
    await expect(stage.principal.removeAgent("edge-1")).rejects.toMatchObject({ code: "conflict" });

    const removed = stage.principal.removeAgent("edge-1", { force: true, tombstone: false });
    await stage.world.advance(30_000);
    await removed;
    expect(agent.ends).toHaveLength(1);
    expect(await stage.principal.agent("edge-1")).toBeUndefined();
    expect(await stage.store.stats("edge-1")).toBeUndefined();
    await expect(stage.principal.removeAgent("edge-1")).rejects.toMatchObject({ code: "not_found" });

    // It knows versions, an epoch and a floor of before: neither is held against the principal, and nothing new is taken for stale.
    agent.handler = () => ({ kind: "applied" });
    await agent.connect();
    expect(stage.refusals).toEqual([]);
    await stage.publish("edge-1", "a_1");
    await stage.world.advance(1_000);
    expect(agent.handled.at(-1)).toMatch(/^a_1@/);
    expect(await stage.principal.agent("edge-1")).toMatchObject({ pending: 0, state: "connected" });
    const [first, second] = stage.opened.map(({ epoch }) => epoch);
    expect(second).toBeGreaterThan(first ?? 0);
  });

  it("is kept when an event is accepted for it while the removal runs", async () => {
    const stage = await new Stage().start();
    const agent = await stage.agent();
    const link = await agent.connect();
    link.connection.terminate(new HawserError("connection_closed", "cut"));
    await stage.publish("edge-1", "a_1");
    await agent.connect();
    await stage.world.advance(1_000);
    expect(await stage.store.stats("edge-1")).toMatchObject({ pending: 0 });

    // Accepted behind the first look at what is pending, and before the store removes.
    const { store } = stage;
    const stats = store.stats.bind(store);
    store.stats = async (name) => {
      const seen = await stats(name);
      store.stats = stats;
      const event = {
        specversion: "1.0",
        id: "x",
        source: "test",
        type: "test.command",
        resourceid: "b_1",
      } as const;
      await store.append([{ peer: name, event }]);
      return seen;
    };
    agent.handler = never;
    const removed = stage.principal.removeAgent("edge-1").catch((error: unknown) => error);
    await stage.world.advance(30_000);
    expect(await removed).toMatchObject({ code: "conflict", message: expect.stringContaining("1 events") });
    expect(await stage.store.stats("edge-1")).toMatchObject({ pending: 1 });
    expect(await stage.principal.agent("edge-1")).toBeDefined();
  });

  it("stays out until the last of several removals is through", async () => {
    const stage = await new Stage().start();
    const agent = await stage.agent();
    await agent.connect();
    const { store } = stage;
    const remove = store.remove.bind(store);
    const through: (() => void)[] = [];
    store.remove = async (name, options) => {
      await new Promise<void>((resolve) => through.push(resolve));
      return remove(name, options);
    };
    const removals = [1, 2].map(() =>
      stage.principal.removeAgent("edge-1", { force: true, tombstone: false }),
    );
    await stage.world.advance(1_000);
    expect(through).toHaveLength(2);
    through[0]?.();
    await removals[0];
    await agent.connect();
    expect(agent.ends.at(-1)).toMatchObject({ kind: "retryAfter", error: { code: "overloaded" } });
    through[1]?.();
    await Promise.all(removals);
    await agent.connect();
    expect(await stage.principal.agent("edge-1")).toMatchObject({ state: "connected" });
  });

  it("is removed when nothing of it is applied any more, and is kept when that takes too long", async () => {
    const handlers: (() => void)[] = [];
    const onEvent = (): Promise<void> => new Promise((resolve) => handlers.push(resolve));
    const stage = await new Stage({ onEvent }).start();
    const agent = await stage.agent();
    await agent.connect();
    const event = {
      specversion: "1.0",
      id: "1",
      source: "test",
      type: "test.command",
      resourceid: "a_1",
    } as const;
    void agent.store.append([{ peer: "principal", event }]);
    await stage.world.advance(100);
    expect(handlers).toHaveLength(1);

    const refused = stage.principal.removeAgent("edge-1", { force: true }).catch((error: unknown) => error);
    await stage.world.advance(15_000);
    expect(await refused).toMatchObject({
      code: "conflict",
      message: expect.stringContaining("being applied"),
    });

    let isRemoved = false;
    const removed = stage.principal.removeAgent("edge-1", { force: true }).then(() => (isRemoved = true));
    await stage.world.advance(5_000);
    expect(isRemoved).toBe(false);
    handlers[0]?.();
    await stage.world.advance(1_000);
    await removed;
    await stage.store.readmit("edge-1");
    const { applied, begun } = (await heldBy(stage.store, "edge-1")).inbox;
    expect([applied.size, begun.size]).toEqual([0, 0]);
  });

  it("takes no room when it only said hello", async () => {
    const stage = await new Stage().start();
    for (const name of ["edge-1", "edge-2", "edge-3"]) {
      const agent = await stage.agent(name);
      const link = await agent.connect();
      link.connection.terminate(new HawserError("connection_closed", "cut"));
      await stage.world.advance(1_000);
    }
    expect(await stage.store.peers({ limit: 10 })).toEqual([]);
    expect(await stage.principal.agent("edge-2")).toMatchObject({ state: "disconnected" });
  });
});

describe("why an agent is away", () => {
  const broken = new HawserError("store_unavailable", "its disk is broken");
  const old = new HawserError("store_rolled_back", "an older copy");
  it.each<[string, (link: AgentLink) => void, RegExp]>([
    ["the connection broke off", ({ connection }) => connection.terminate(broken), /^lost its connection: /],
    [
      "it ended the session itself",
      (link) => link.fail(broken),
      /^closed its connection with 4009: store_unavailable$/,
    ],
    ["it refused the principal", (link) => link.fail(old), /^closed its connection with 4010: .*older copy/],
    [
      "it broke a rule",
      ({ connection }) =>
        connection.send(encodeControl({ type: "goodbye_ack" }, { id: "1", source: "test" })),
      /^had its session ended by the principal \(invalid_message\): /,
    ],
  ])("names who ended its session and why: %s", async (_, end, reason) => {
    const stage = await new Stage().start();
    const link = await (await stage.agent()).connect();
    await stage.publish("edge-1", "web_u1");
    end(link);
    await stage.world.advance(1_000);
    expect((await stage.principal.agent("edge-1"))?.reason).toMatch(reason);
  });
});

describe("the report of a drain", () => {
  it("names exactly what is sent again in the next session", async () => {
    const stage = await new Stage({ window: 8 }).start();
    const [stuck, quick] = [await stage.agent("stuck"), await stage.agent("quick")];
    stuck.handler = never;
    for (const agent of [stuck, quick]) await agent.connect();
    for (const resourceid of ["a_1", "b_1", "c_1"]) {
      await stage.publish("stuck", resourceid);
      await stage.publish("quick", resourceid);
    }
    const draining = stage.principal.drain({ windowMs: 1_000, reason: "deploy" });
    await stage.world.advance(30_000);
    const report = await draining;
    expect(report).toMatchObject({ sessions: 2, unsettled: new Map([["stuck", 3]]) });

    const stopped = stage.principal.stop();
    await stage.world.advance(30_000);
    await stopped;
    await stage.principal.start();
    stage.sent.length = 0;
    for (const agent of [stuck, quick]) await agent.connect();
    await stage.world.advance(100);
    expect(stage.sent).toEqual(["stuck a_1@1", "stuck b_1@2", "stuck c_1@3"]);
    expect(quick.handled).toEqual(["a_1@1", "b_1@2", "c_1@3"]);
  });
});

describe("a session that fails while it is being established", () => {
  const broken = new HawserError("store_unavailable", "the disk is gone for a moment");

  it.each([
    [
      "the mailbox cannot be claimed",
      (store: Store): void => {
        store.open = async () => Promise.reject(broken);
      },
    ],
    [
      "what is in the mailbox and the inbox cannot be told",
      (store: Store): void => {
        const open = store.open.bind(store);
        store.open = async (...claim) => {
          const lease = await open(...claim);
          await lease.close();
          throw broken;
        };
      },
    ],
    [
      "its mailbox cannot be kept",
      (store: Store): void => {
        const open = store.open.bind(store);
        store.open = async (...claim) => {
          const lease = await open(...claim);
          lease.use = () => {
            throw broken;
          };
          return lease;
        };
      },
    ],
  ] as const)("because %s is refused by name, holds nothing, and the next succeeds", async (_why, damage) => {
    const stage = await new Stage().start();
    const agent = await stage.agent();
    await stage.publish("edge-1", "a_1");
    const open = stage.store.open;
    damage(stage.store);
    await agent.connect();
    expect(agent.ends).toMatchObject([
      { kind: "failed", openedAtMs: undefined, error: { code: "store_unavailable" } },
    ]);
    expect(stage.refusals).toEqual(["edge-1 store_unavailable"]);
    expect(stage.opened).toEqual([]);
    expect(await stage.principal.agent("edge-1")).toMatchObject({
      state: "disconnected",
      session: undefined,
    });

    stage.store.open = open;
    await agent.connect();
    expect(agent.handled).toEqual(["a_1@1"]);
    expect(stage.opened).toHaveLength(1);
  });

  it("gives up the mailbox it had claimed", async () => {
    const stage = await new Stage().start();
    const closed: number[] = [];
    const open = stage.store.open.bind(stage.store);
    stage.store.open = async (...claim) => {
      const lease = await open(...claim);
      const close = lease.close.bind(lease);
      lease.close = () => {
        closed.push(lease.epoch);
        return close();
      };
      lease.use = () => {
        throw broken;
      };
      return lease;
    };
    await (await stage.agent()).connect();
    expect(closed).toEqual([1]);
  });
});

describe("more connections than may be", () => {
  it("are refused with the time to come back, at the bound and no sooner, until there is room", async () => {
    const stage = await new Stage({ maxSessions: 2 }).start();
    const agents = [await stage.agent("a"), await stage.agent("b"), await stage.agent("c")] as const;
    const first = await agents[0].connect();
    await agents[1].connect();
    expect(stage.opened.map(({ agent }) => agent)).toEqual(["a", "b"]);
    await agents[2].connect();
    expect(agents[2].ends).toMatchObject([
      { kind: "retryAfter", ms: expect.any(Number), error: { code: "overloaded" } },
    ]);
    expect(stage.refusals).toEqual(["c overloaded"]);
    expect(await stage.principal.agent("c")).toBeUndefined();
    expect([agents[0].ends, agents[1].ends]).toEqual([[], []]);

    first.connection.terminate(new HawserError("connection_closed", "cut"));
    await stage.world.advance(100);
    await agents[2].connect();
    expect(stage.opened.map(({ agent }) => agent)).toEqual(["a", "b", "c"]);
  });

  it("never come to be while many wait for their turn at once (40 sessions at a limit of 5)", async () => {
    const admission = { ratePerSecond: 20, burst: 1, rampMs: 0, maxWaitMs: 5_000 };
    const stage = await new Stage({ maxSessions: 5, listen: { port: 0, admission } }).start();
    const connected = async (): Promise<number> =>
      (await stage.principal.agents({ limit: 100 })).filter(({ state }) => state === "connected").length;
    const agents = await Promise.all(Array.from({ length: 40 }, (_, index) => stage.agent(`a${index}`)));
    for (const agent of agents) {
      await agent.connect();
      expect(await connected()).toBeLessThanOrEqual(5);
    }
    for (let step = 0; step < 60; step += 1) {
      await stage.world.advance(100);
      expect(await connected()).toBeLessThanOrEqual(5);
    }
    expect(await connected()).toBe(5);
    const refused = agents.flatMap(({ ends }) => ends).filter(({ kind }) => kind === "retryAfter");
    expect(refused).toHaveLength(35);
  });
});
