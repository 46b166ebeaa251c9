import { HawserError, type JsonValue } from "@hawser/protocol";
import type { Principal } from "@hawser/principal";
import { createMemoryStore, type Store } from "@hawser/store";
import { beforeEach, describe, expect, it } from "vitest";
import { World, type SimulatedAgent } from "./testing/world.js";
import type { DesiredResource, HandlerContext, ResourceHandler } from "./index.js";

/** A handler that notes every call, and does what a test tells it. */
class Notes implements ResourceHandler {
  readonly calls: string[] = [];
  readonly contexts = new Map<string, HandlerContext>();
  onApply: (resource: DesiredResource, context: HandlerContext) => Promise<JsonValue | void> = async ({
    spec,
  }) => ({
    made: spec,
  });
  onDelete: () => Promise<void> = async () => {};

  apply(resource: DesiredResource, context: HandlerContext): Promise<JsonValue | void> {
    this.calls.push(`apply ${resource.name} ${JSON.stringify(resource.spec)} #${resource.attempt}`);
    this.contexts.set(resource.name, context);
    return this.onApply(resource, context);
  }

  delete({ name, attempt }: { name: string; attempt: number }): Promise<void> {
    this.calls.push(`delete ${name} #${attempt}`);
    return this.onDelete();
  }

  restore(resource: DesiredResource, context: HandlerContext): Promise<void> {
    this.calls.push(`restore ${resource.name} ${JSON.stringify(resource.spec)}`);
    this.contexts.set(resource.name, context);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.calls.push("stop");
    return Promise.resolve();
  }
}

let world: World;
let principal: Principal;
let principalStore: Store;
let notes: Notes;

beforeEach(async () => {
  world = new World(23);
  ({ principal, store: principalStore } = await world.principal());
  notes = new Notes();
});

async function started(options: Parameters<World["agent"]>[0] = {}): Promise<SimulatedAgent> {
  const one = await world.agent({ handlers: { Job: notes }, ...options });
  await world.settled(one.agent.start());
  return one;
}

/** Waits until what the principal sees satisfies the test. */
async function view(
  name: string,
  holds: (view: Awaited<ReturnType<Principal["resources"]["get"]>>) => boolean,
) {
  let seen: Awaited<ReturnType<Principal["resources"]["get"]>>;
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 10) {
    seen = await world.settled(principal.resources.get("one", "Job", name));
    if (holds(seen)) return seen;
    await world.virtual.advance(10);
  }
  throw new Error(`never so: ${JSON.stringify(seen)} after ${notes.calls.join(", ")}`);
}

const put = (name: string, spec: JsonValue) =>
  world.settled(principal.resources.put("one", "Job", name, spec));
const remove = (name: string) => world.settled(principal.resources.delete("one", "Job", name));

describe("resources on an agent", () => {
  it("are applied, and their status comes back with the version it reflects", async () => {
    await put("a", 1);
    await started();
    const seen = await view("a", (each) => each?.status !== undefined);
    expect(seen).toMatchObject({ state: "delivered", status: { made: 1 } });
    expect(seen?.observedVersion).toBe(seen?.version);
    await put("a", 2);
    await view("a", (each) => each?.observedVersion === each?.version);
    expect(notes.calls).toEqual(["apply a 1 #1", "apply a 2 #1"]);
  });

  it("are gone on both sides after a delete", async () => {
    const one = await started();
    await put("a", 1);
    await view("a", (each) => each?.status !== undefined);
    await remove("a");
    await view("a", (each) => each === undefined);
    expect(notes.calls).toEqual(["apply a 1 #1", "delete a #1"]);
    expect(await world.settled(one.store.retained.list("principal", "received", { limit: 10 }))).toEqual([]);
    expect(await world.settled(one.store.retained.list("principal", "sent", { limit: 10 }))).toEqual([]);
  });

  it("are deleted first when the name has a new owner", async () => {
    const one = await started();
    await put("a", 1);
    await view("a", (each) => each?.status !== undefined);
    await world.settled(one.agent.stop());
    await remove("a");
    await put("a", 2);
    notes.calls.length = 0;
    await world.settled(one.agent.start());
    await view("a", (each) => each?.status !== undefined && each.state === "delivered");
    expect(notes.calls).toEqual(["restore a 1", "delete a #1", "apply a 2 #1"]);
  });

  it("of an unknown kind are refused by name, and their delete needs nobody", async () => {
    await started({ handlers: { Job: notes, Cron: notes } });
    await world.settled(principal.resources.put("one", "Other", "x", {}));
    await world.virtual.advance(1_000);
    const [letter] = await world.settled(principal.deadLetters("one", { limit: 1 }));
    expect(letter).toMatchObject({
      code: "no_handler",
      message: expect.stringContaining("it handles: Job, Cron"),
    });
    await world.settled(principal.resources.delete("one", "Other", "x"));
    await world.virtual.advance(1_000);
    expect(await world.settled(principal.resources.get("one", "Other", "x"))).toBeUndefined();
  });

  it("are refused for good when their handler says so", async () => {
    notes.onApply = () => Promise.reject(new HawserError("handler_rejected", "spec.size must be a number"));
    await started();
    await put("a", { size: "big" });
    await world.virtual.advance(1_000);
    const [letter] = await world.settled(principal.deadLetters("one", { limit: 1 }));
    expect(letter).toMatchObject({ code: "handler_rejected", message: "spec.size must be a number" });
    notes.onApply = async () => "fine";
    await put("a", { size: 1 });
    await view("a", (each) => each?.status === "fine");
  });

  it("are tried again, with the attempt, when their handler throws; others go on", async () => {
    notes.onApply = async ({ name, attempt }) => {
      if (name === "bad" && attempt < 3) throw new Error("no disk");
      return attempt;
    };
    await started();
    await put("bad", 1);
    await put("good", 1);
    await view("good", (each) => each?.status === 1);
    await view("bad", (each) => each?.status === 3);
    expect(notes.calls.filter((call) => call.includes("bad"))).toEqual([
      "apply bad 1 #1",
      "apply bad 1 #2",
      "apply bad 1 #3",
    ]);
    expect(world.log.some(({ msg }) => msg.includes("a handler failed"))).toBe(true);
  });

  it("do not wait for one whose handler hangs", async () => {
    notes.onApply = ({ name }) => (name === "stuck" ? new Promise(() => {}) : Promise.resolve("done"));
    await started();
    await put("stuck", 1);
    for (const name of ["b", "c", "d"]) await put(name, 1);
    for (const name of ["b", "c", "d"]) await view(name, (each) => each?.status === "done");
    await world.virtual.advance(600_000);
    expect(notes.calls.filter((call) => call.includes("stuck"))).toHaveLength(1);
  });

  it("are handed back after a restart, before the first connection, and not applied again", async () => {
    const one = await started();
    for (const name of ["b", "a", "c"]) await put(name, name);
    for (const name of ["b", "a", "c"]) await view(name, (each) => each?.status !== undefined);
    one.kill();
    notes.calls.length = 0;
    const again = await started({ disk: one.disk });
    expect(notes.calls).toEqual(['restore a "a"', 'restore b "b"', 'restore c "c"']);
    await world.connected(again);
    await world.virtual.advance(60_000);
    expect(notes.calls).toHaveLength(3);
    await world.settled(
      notes.contexts.get("b")?.report("still here") ?? Promise.reject(new Error("no context")),
    );
    await view("b", (each) => each?.status === "still here");
  });

  it("are applied again as a second attempt when the agent died in the middle", async () => {
    notes.onApply = () => new Promise(() => {});
    const one = await started();
    await put("a", 1);
    await world.until(() => notes.calls.length === 1);
    one.kill();
    notes.onApply = async () => "made";
    await started({ disk: one.disk });
    await view("a", (each) => each?.status === "made");
    expect(notes.calls).toEqual(["apply a 1 #1", "apply a 1 #2"]);
  });

  it("survive the loss of the principal's store, and belong to whoever claims the name next", async () => {
    const one = await started();
    for (const spec of [1, 2, 3]) await put("a", spec);
    await view("a", (each) => each?.status !== undefined && each.observedVersion === each.version);
    const before = await world.settled(one.store.retained.get("principal", "received", "Job/a"));
    await world.settled(principal.stop());
    ({ principal, store: principalStore } = await world.principal());
    await put("a", "anew");
    const seen = await view("a", (each) => each?.status !== undefined);
    expect(Number(seen?.version)).toBeLessThan(before?.version ?? 0);
    expect(notes.calls.slice(-2)).toEqual(["delete a #1", 'apply a "anew" #1']);
  });
});

describe("statuses", () => {
  async function reporter(name = "a"): Promise<{ one: SimulatedAgent; report: HandlerContext["report"] }> {
    const one = await started();
    notes.onApply = async () => undefined;
    await put(name, 1);
    await view(name, (each) => each?.state === "delivered");
    const context = notes.contexts.get(name);
    if (context === undefined) throw new Error("never applied");
    return { one, report: context.report };
  }

  it("are sent once however often they are repeated", async () => {
    const { one, report } = await reporter();
    for (let count = 0; count < 5; count += 1) await world.settled(report({ ready: true }));
    // A member that is undefined is none, here and on the wire.
    const given: { ready: boolean; note?: string | undefined } = { ready: true, note: undefined };
    await world.settled(report(given));
    const stats = await world.settled(one.store.stats("principal"));
    expect(stats?.lastVersion).toBe(1);
    await world.settled(report({ ready: false }));
    await view("a", (each) => JSON.stringify(each?.status) === '{"ready":false}');
  });

  it("are sent again for a newer spec even when they read the same", async () => {
    notes.onApply = async () => "ready";
    await started();
    await put("a", 1);
    await view("a", (each) => each?.status === "ready");
    const { resource } = await put("a", 2);
    const seen = await view("a", (each) => each?.observedVersion === each?.version);
    expect(seen).toMatchObject({ version: resource.version, status: "ready" });
  });

  it("that are reported together become one event, the newest", async () => {
    const { one, report } = await reporter();
    await world.settled(Promise.all([1, 2, 3, 4].map((step) => report({ step }))));
    expect((await world.settled(one.store.stats("principal")))?.lastVersion).toBe(1);
    await view("a", (each) => JSON.stringify(each?.status) === '{"step":4}');
  });

  it("are not repeated after a restart either", async () => {
    const { one, report } = await reporter();
    await world.settled(report("up"));
    await view("a", (each) => each?.status === "up");
    one.kill();
    const again = await started({ disk: one.disk });
    await world.settled(notes.contexts.get("a")?.report("up") ?? Promise.resolve());
    expect((await world.settled(again.store.stats("principal")))?.lastVersion).toBe(1);
  });

  it("through an older context are dropped once a newer version was handed in", async () => {
    const { report } = await reporter();
    notes.onApply = async () => "new";
    await put("a", 2);
    await view("a", (each) => each?.status === "new");
    await world.settled(report("old"));
    await world.virtual.advance(5_000);
    expect((await view("a", () => true))?.status).toBe("new");
    await remove("a");
    await view("a", (each) => each === undefined);
    await world.settled(notes.contexts.get("a")?.report("ghost") ?? Promise.resolve());
    await world.virtual.advance(5_000);
    expect(await world.settled(principal.resources.get("one", "Job", "a"))).toBeUndefined();
  });

  it("wait when the mailbox is full, the newest of each resource, and do not hold back ACKs", async () => {
    const store = createMemoryStore({ runtime: world.virtual.runtime, limits: { maxEntries: 2 } });
    notes.onApply = async ({ name }) => `${name} made`;
    await world.settled(principal.stop());
    const one = await started({ store });
    for (const id of ["x", "y"]) await world.settled(one.agent.publish(command(id)));
    await expect(world.settled(one.agent.publish(command("z")))).rejects.toMatchObject({
      code: "mailbox_full",
    });
    // This principal refuses no command and acknowledges none either, until told otherwise.
    let open = false;
    ({ principal } = await world.principal({
      store: principalStore,
      onEvent: () => {
        if (!open) throw new Error("later");
      },
    }));
    await put("a", 1);
    await view("a", (each) => each?.state === "delivered");
    expect((await view("a", () => true))?.status).toBeUndefined();
    const late = notes.contexts.get("a")?.report("a better status") ?? Promise.resolve();
    open = true;
    await world.settled(late, 300_000);
    await view("a", (each) => each?.status === "a better status");
  });

  it("that cannot be sent are said to be so", async () => {
    notes.onApply = async () => "x".repeat(2_000_000);
    await started();
    await put("a", 1);
    const seen = await view("a", (each) => each?.status !== undefined);
    expect(seen?.status).toMatchObject({ state: "unreportable", code: "event_too_large" });
    await expect(notes.contexts.get("a")?.report("x".repeat(2_000_000))).rejects.toMatchObject({
      code: "event_too_large",
    });
  });
});

function command(id: string) {
  return {
    specversion: "1.0",
    id,
    source: "test",
    type: "com.example.ping",
    resourceid: `job-${id}_u`,
  } as const;
}

describe("what was made", () => {
  /** Looks, and says what it is told to. */
  class Watchful extends Notes {
    onCheck: (resource: DesiredResource) => Promise<JsonValue | void> = async () => undefined;

    check(resource: DesiredResource, context: HandlerContext): Promise<JsonValue | void> {
      this.calls.push(`check ${resource.name} ${JSON.stringify(resource.spec)}`);
      this.contexts.set(`check ${resource.name}`, context);
      return this.onCheck(resource);
    }
  }

  it("is looked at as the agent starts, and every while, and what the handler says of it is its status", async () => {
    const watchful = new Watchful();
    notes = watchful;
    await put("a", 1);
    await put("b", 2);
    const one = await started({ checkIntervalMs: 10_000 });
    await view("b", (each) => each?.observedVersion === each?.version);
    watchful.calls.length = 0;
    await world.virtual.advance(13_000);
    expect(watchful.calls).toEqual(["check a 1", "check b 2"]);
    watchful.onCheck = async ({ name }) => (name === "a" ? { drifted: true } : undefined);
    await world.virtual.advance(13_000);
    const seen = await view("a", (each) => each?.status !== undefined && "drifted" in Object(each.status));
    expect(seen?.observedVersion).toBe(seen?.version);
    // What the handler was given to report by when it applied is as good as before.
    await world.settled(watchful.contexts.get("a")?.report({ later: true }) ?? Promise.resolve());
    await view("a", (each) => "later" in Object(each?.status));
    await world.settled(one.agent.stop());
    watchful.calls.length = 0;
    await world.virtual.advance(60_000);
    expect(watchful.calls).toEqual([]);
    await world.settled(one.agent.start());
    await world.virtual.advance(1);
    expect(watchful.calls.filter((call) => call.startsWith("check"))).toEqual(["check a 1", "check b 2"]);
  });

  it("is not looked at while it is being changed, nor as what it was before", async () => {
    const watchful = new Watchful();
    notes = watchful;
    await put("a", 1);
    await started({ checkIntervalMs: 1_000 });
    await view("a", (each) => each?.observedVersion === each?.version);
    let go: () => void = () => {};
    watchful.onApply = () =>
      new Promise((resolve) => {
        go = () => resolve({ made: "late" });
      });
    await put("a", 2);
    await world.virtual.advance(500);
    watchful.calls.length = 0;
    await world.virtual.advance(10_000);
    expect(watchful.calls).toEqual([]);
    go();
    await world.virtual.advance(3_000);
    expect(watchful.calls.length).toBeGreaterThan(0);
    expect(new Set(watchful.calls)).toEqual(new Set(["check a 2"]));
  });

  it("is looked at again although that failed", async () => {
    const watchful = new Watchful();
    notes = watchful;
    watchful.onCheck = () => Promise.reject(new Error("no eyes"));
    await put("a", 1);
    await put("b", 1);
    await started({ checkIntervalMs: 1_000 });
    await world.virtual.advance(10_000);
    expect(watchful.calls.filter((call) => call === "check b 1").length).toBeGreaterThan(3);
  });
});
