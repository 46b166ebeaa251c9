import { expect, it } from "vitest";
import { Bystander } from "./support/bystander.js";
import { becomes } from "./support/eventually.js";
import { checkJournal, keyText, readJournal } from "./support/journal.js";
import { Refusal } from "./support/principal-api.js";
import { createTestFleet } from "./support/test-fleet.js";

const CAPACITY = 5;

it("a full mailbox: 429 mailbox_full, and everything accepted before arrives", async () => {
  const fleet = await createTestFleet(["--mailbox-max-entries", String(CAPACITY)]);
  await fleet.startPrincipal();
  const bystander = new Bystander(fleet);
  await bystander.start();

  const order = (n: number): Record<string, unknown> => ({
    id: `order-${n}`,
    type: "e2e.order.v1",
    resourceid: `order-${n}_u1`,
  });
  const accepted: string[] = [];
  for (let n = 1; n <= CAPACITY; n += 1) accepted.push(keyText(await fleet.api.post("absent", order(n))));
  const refusal = await fleet.api.post("absent", order(CAPACITY + 1)).catch((thrown: unknown) => thrown);
  if (!(refusal instanceof Refusal)) throw new Error("it was accepted");
  expect(refusal).toMatchObject({ status: 429, code: "mailbox_full" });
  expect(refusal.message).toMatch(/absent/);
  expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await fleet.api.agent("absent")).toMatchObject({ pending: CAPACITY });
  expect(await fleet.api.metric("hawser_events_rejected_total", 'code="mailbox_full"')).toBe(1);
  // A repeat of what was accepted is no new entry: its publisher may only have missed the answer.
  expect(await fleet.api.post("absent", order(1))).toMatchObject({ duplicate: true });
  await bystander.isUnharmed();

  const agent = await fleet.journalAgent("absent");
  await agent.start();
  await becomes("the mailbox drains", async () => (await fleet.api.agent("absent")).pending === 0);
  const { ran, violations } = checkJournal(await readJournal(fleet.path("absent", "journal")));
  expect(violations).toEqual([]);
  expect([...ran.keys()].toSorted()).toEqual(accepted.toSorted());
  await fleet.api.post("absent", order(CAPACITY + 1));
  await bystander.isUnharmed();
});
