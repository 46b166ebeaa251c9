import { expect, it } from "vitest";
import { becomes } from "./support/eventually.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// How long a repeat is known as one: never forgotten while the event is pending, then by number and by age, both of them settings.

async function post(fleet: TestFleet, id: string): Promise<{ eventid: string; duplicate: boolean }> {
  const { eventid, duplicate } = await fleet.api.post("clerk", {
    id,
    type: "e2e.order.v1",
    resourceid: `${id}_u1`,
  });
  return { eventid, duplicate };
}

async function allAcknowledged(fleet: TestFleet): Promise<void> {
  await becomes("nothing is pending", async () => (await fleet.api.agent("clerk")).pending === 0);
}

it.each([
  ["number", ["--idempotency-keys", "2"]],
  ["age", ["--idempotency-age", "1ms"]],
])("a repeat of a pending event is known over restarts, and of another forgotten by %s", async (_, args) => {
  const fleet = await createTestFleet(args);
  await fleet.startPrincipal();
  const agent = await fleet.journalAgent("clerk");
  const first = await post(fleet, "first");
  expect(first.duplicate).toBe(false);
  // Enough for keys that count no more to be removed.
  for (let n = 0; n < 300; n += 1) await post(fleet, `other-${n}`);
  await fleet.principal.kill();
  await fleet.startPrincipal();
  expect(await post(fleet, "first")).toEqual({ ...first, duplicate: true });
  await agent.start();
  await allAcknowledged(fleet);
  const again = await post(fleet, "first");
  expect(again.duplicate).toBe(false);
  expect(again.eventid).not.toBe(first.eventid);
});

it("a repeat of what is not pending any more is known within both", async () => {
  const fleet = await createTestFleet();
  await fleet.startPrincipal();
  const agent = await fleet.journalAgent("clerk");
  await agent.start();
  const first = await post(fleet, "first");
  for (let n = 0; n < 300; n += 1) await post(fleet, `other-${n}`);
  await allAcknowledged(fleet);
  expect(await post(fleet, "first")).toEqual({ ...first, duplicate: true });
});
