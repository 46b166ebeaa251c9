import { HawserError, eventClass } from "@hawser/protocol";
import { seededRandom } from "@hawser/runtime";
import { describe, expect, it } from "vitest";
import type { Outcome } from "./delivery.js";
import { SpilledResources } from "./spilled-resources.js";
import { command, spec, TwoSides } from "./testing/two-sides.js";

describe("SpilledResources", () => {
  it("knows what was left of each resource until all of it has been read back", () => {
    const spilled = new SpilledResources();
    expect([spilled.get("a"), spilled.lowest(), spilled.find(() => true)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for (const version of [7, 9]) spilled.leave("a", version);
    spilled.leave("b", 8);
    expect([spilled.size, spilled.lowest()]).toEqual([2, 7]);
    expect(spilled.find((id) => id !== "a")).toEqual({ resourceid: "b", from: 8, to: 8 });
    spilled.readUpTo("a", 7);
    expect(spilled.find((id) => id === "a")).toEqual({ resourceid: "a", from: 8, to: 9 });
    spilled.leave("a", 12);
    spilled.readUpTo("a", 9);
    spilled.readUpTo("a", 5);
    expect(spilled.find((id) => id === "a")).toEqual({ resourceid: "a", from: 10, to: 12 });
    spilled.readUpTo("a", 12);
    spilled.readUpTo("b", 8);
    spilled.readUpTo("b", 9);
    expect([spilled.size, spilled.get("b"), spilled.lowest()]).toEqual([0, undefined, undefined]);
  });

  it("keeps the earlier ones where later ones come back to it (they were taken for settled)", () => {
    const spilled = new SpilledResources();
    spilled.putBack("a", 25, 25);
    spilled.putBack("a", 29, 31);
    expect(spilled.get("a")).toEqual({ resourceid: "a", from: 25, to: 31 });
    spilled.putBack("a", 20, 21);
    expect(spilled.get("a")).toEqual({ resourceid: "a", from: 20, to: 31 });
  });
});

/** A few resources with long queues, a handler that fails now and then, and connections that rotate, are taken over and cut meanwhile. */
async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (bound: number): number => Math.floor(random.next() * bound);
  const sides = new TwoSides(seed);
  sides.window = 1 + below(8);
  await sides.start();
  const resources = Array.from({ length: 1 + below(5) }, (_, index) => `r${index}`);
  let failing = 0.2 * random.next();
  const applied: { readonly resourceid: string; readonly version: number }[] = [];
  sides.agent.handler = async ({ event, version }): Promise<Outcome> => {
    const { resourceid } = event;
    if (random.next() < 0.3)
      await new Promise<void>((resolve) => sides.world.runtime.timers.after(below(50), resolve));
    if (random.next() < failing)
      return { kind: "retry", error: new HawserError("handler_failed", "not yet") };
    applied.push({ resourceid, version });
    return { kind: "applied" };
  };
  const commands = new Map<string, number[]>();
  const publish = async (): Promise<void> => {
    const drafts = Array.from({ length: below(120) }, () => {
      const resource = resources[below(resources.length)] ?? "r0";
      return random.next() < 0.1 ? spec(resource, below(9)) : command(resource);
    });
    const versions = await sides.publish(sides.principal, "edge-1", drafts);
    for (const [index, { resourceid, type }] of drafts.entries()) {
      if (eventClass(type) !== "command") continue;
      commands.set(resourceid, [...(commands.get(resourceid) ?? []), versions[index] ?? 0]);
    }
  };
  await publish();
  let link = await sides.connect();
  for (let step = 0; step < 8; step += 1) {
    await publish();
    await sides.world.advance(below(600));
    const fault = random.next();
    if (fault < 0.3) link = await sides.rotate(link);
    else if (fault < 0.45) link = await sides.connect(link.settledFloor);
    else if (fault < 0.6) {
      link.connection.terminate(new HawserError("connection_closed", "cut"));
      await sides.world.advance(5);
      link = await sides.connect(link.settledFloor);
    }
  }
  failing = 0;
  await sides.world.advance(400_000);
  expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
  for (const resource of resources) {
    const versions = applied
      .filter(({ resourceid }) => resourceid === `${resource}_u1`)
      .map(({ version }) => version);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(versions).toEqual(expect.arrayContaining(commands.get(`${resource}_u1`) ?? []));
  }
  await sides.stop();
}

describe("long queues over rotations, takeovers and cuts", () => {
  it.each(Array.from({ length: 40 }, (_, index) => index + 1))(
    "are delivered once, whole and in order, seed %i",
    run,
  );
});
