import { expect, it } from "vitest";
import { becomes } from "./support/eventually.js";
import { createWorld, type World } from "./support/world.js";

// How long a repeat is known as one: never forgotten while the event is pending, then by number and by age, both of them settings.

async function post(world: World, id: string): Promise<{ eventid: string; duplicate: boolean }> {
  const { eventid, duplicate } = await world.api.post("clerk", {
    id,
    type: "e2e.order.v1",
    resourceid: `${id}_u1`,
  });
  return { eventid, duplicate };
}

async function allAcknowledged(world: World): Promise<void> {
  await becomes("nothing is pending", async () => (await world.api.agent("clerk")).pending === 0);
}

it.each([
  ["number", ["--idempotency-keys", "2"]],
  ["age", ["--idempotency-age", "1ms"]],
])("a repeat of a pending event is known over restarts, and of another forgotten by %s", async (_, args) => {
  const world = await createWorld(args);
  await world.startPrincipal();
  const agent = await world.journalAgent("clerk");
  const first = await post(world, "first");
  expect(first.duplicate).toBe(false);
  // Enough for keys that count no more to be removed.
  for (let n = 0; n < 300; n += 1) await post(world, `other-${n}`);
  await world.principal.kill();
  await world.startPrincipal();
  expect(await post(world, "first")).toEqual({ ...first, duplicate: true });
  await agent.start();
  await allAcknowledged(world);
  const again = await post(world, "first");
  expect(again.duplicate).toBe(false);
  expect(again.eventid).not.toBe(first.eventid);
});

it("a repeat of what is not pending any more is known within both", async () => {
  const world = await createWorld();
  await world.startPrincipal();
  const agent = await world.journalAgent("clerk");
  await agent.start();
  const first = await post(world, "first");
  for (let n = 0; n < 300; n += 1) await post(world, `other-${n}`);
  await allAcknowledged(world);
  expect(await post(world, "first")).toEqual({ ...first, duplicate: true });
});
