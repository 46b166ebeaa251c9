import type { Logger } from "@hawser/runtime";
import { createMemoryDisk, createMemoryStore, type MemoryDisk } from "@hawser/store";
import { createVirtualRuntime } from "@hawser/testkit";
import { createMemoryTransport } from "@hawser/transport";
import { expect, it } from "vitest";
import { createPrincipal } from "../create-principal.js";
import type { Principal } from "../principal.js";
import { BareAgent } from "../testing/bare-agent.js";

const AGENTS = 25;

/** A principal that can be put back, its agents, and what it logs. */
class Fleet {
  readonly world = createVirtualRuntime({ seed: 7 });
  readonly transport = createMemoryTransport({ timers: this.world.runtime.timers });
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  readonly refusals: string[] = [];
  readonly agents: readonly BareAgent[] = Array.from(
    { length: AGENTS },
    (_, index) => new BareAgent(this.world, this.transport, `edge-${index}`),
  );
  disk: MemoryDisk = createMemoryDisk();
  principal: Principal = this.#made();
  stop: () => Promise<void> = async () => {};

  async start(): Promise<void> {
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warn: (_fields, line) => this.warnings.push(line),
      error: (_fields, line) => this.errors.push(line),
      child: () => logger,
    };
    const runtime = { ...this.world.runtime, logger };
    const store = createMemoryStore({ disk: this.disk, runtime });
    await store.start();
    const { refusals } = this;
    this.principal = createPrincipal({
      store,
      acceptors: [this.transport.acceptor],
      runtime,
      observer: { sessionRefused: (agent, code) => refusals.push(`${agent} ${code}`) },
    });
    await this.principal.start();
    this.stop = async () => {
      await Promise.all([this.principal.stop(), this.world.advance(60_000)]);
      await Promise.all([store.stop(), this.world.advance(1_000)]);
    };
  }

  #made(): Principal {
    const store = createMemoryStore();
    return createPrincipal({ store, acceptors: [this.transport.acceptor] });
  }

  async eachSession(): Promise<void> {
    for (const agent of this.agents) {
      const link = await agent.connect();
      const { resources } = this.principal;
      await Promise.all([resources.put(agent.name, "Thing", "x", 1), this.world.advance(200)]);
      link.connection.close(1000, "");
      await this.world.advance(100);
    }
  }
}

it("is proven by the whole fleet, refused to each agent, and said twice", async () => {
  const fleet = new Fleet();
  await Promise.all(fleet.agents.map((agent) => agent.store.start()));
  await fleet.start();
  const backup = fleet.disk.snapshot();
  await fleet.eachSession();
  await fleet.stop();

  fleet.disk = backup;
  await fleet.start();
  expect(fleet.principal.rollback).toBeUndefined();
  for (const agent of fleet.agents) await agent.connect();
  await fleet.world.advance(20_000);
  for (const { ends } of fleet.agents) expect(ends.at(-1)).toMatchObject({ code: "store_rolled_back" });
  expect(fleet.refusals).toHaveLength(AGENTS);
  const message =
    "the principal's store may have been rolled back: it gave out version 1, and knows of 0; if so, run hawser adopt";
  expect(fleet.principal.rollback).toMatchObject({ agents: AGENTS, message });
  expect(fleet.errors.map((line) => /proven by (\d+)/.exec(line)?.[1])).toEqual(["1", "10"]);
  expect(fleet.warnings).toEqual([]);
  expect(await fleet.principal.agent("edge-3")).toMatchObject({ reason: `was refused: ${message}` });
  await fleet.stop();
});

it("is not believed of one agent that claims what nobody gave it: only that agent is refused", async () => {
  const fleet = new Fleet();
  await Promise.all(fleet.agents.map((agent) => agent.store.start()));
  await fleet.start();
  await fleet.eachSession();
  const [liar, honest] = fleet.agents;
  if (liar === undefined || honest === undefined) throw new Error("no agents");
  const { store = "" } = (await liar.store.standing("principal"))?.peer ?? {};
  await liar.connect({ store, epoch: 1, eventid: String(10 ** 15), recorded: 0 });
  await fleet.world.advance(20_000);
  expect(liar.ends.at(-1)).toMatchObject({ kind: "refused", code: "store_rolled_back" });
  expect(fleet.principal.rollback?.agents).toBe(1);
  expect(fleet.principal.state).toBe("open");
  await honest.connect();
  await Promise.all([fleet.principal.resources.put(honest.name, "Thing", "y", 1), fleet.world.advance(200)]);
  expect(honest.handled.at(-1)).toMatch(/^y_/);
  // It is back with the truth: nothing is left of it.
  await liar.connect();
  await fleet.world.advance(200);
  expect(fleet.principal.rollback).toBeUndefined();
  await fleet.stop();
});

it("of an agent is that agent's affair: it closes, and the principal says so", async () => {
  const fleet = new Fleet();
  const [agent] = fleet.agents;
  if (agent === undefined) throw new Error("no agent");
  const disk = createMemoryDisk();
  const original = new BareAgent(fleet.world, fleet.transport, "edge-0", disk);
  await original.store.start();
  await fleet.start();
  const backup = disk.snapshot();
  const link = await original.connect();
  await Promise.all([fleet.principal.resources.put("edge-0", "Thing", "x", 1), fleet.world.advance(200)]);
  link.connection.close(1000, "");
  await fleet.world.advance(100);

  const older = new BareAgent(fleet.world, fleet.transport, "edge-0", backup);
  await older.store.start();
  await older.connect();
  await fleet.world.advance(20_000);
  expect(older.ends.at(-1)).toMatchObject({ kind: "refused", code: "store_rolled_back" });
  expect(fleet.refusals).toEqual(["edge-0 store_rolled_back"]);
  expect(fleet.principal.rollback).toBeUndefined();
  const what = "the agent's store may have been rolled back: it recorded 1 events, and knows of 0";
  expect((await fleet.principal.agent("edge-0"))?.reason).toContain(what);
  expect(fleet.warnings.at(-1)).toContain(what);
  await fleet.stop();
});
