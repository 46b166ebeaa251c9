import { beforeAll, describe, expect, it } from "vitest";
import { Bystander } from "./support/bystander.js";
import { eventually } from "./support/eventually.js";
import { readJournal } from "./support/journal.js";
import type { ServiceProcess } from "./support/service-process.js";
import { createSharedFleet, watchSharedFleet, type TestFleet } from "./support/test-fleet.js";

let fleet: TestFleet;
let bystander: Bystander;
let agent: ServiceProcess;
watchSharedFleet(() => fleet);

beforeAll(async () => {
  fleet = await createSharedFleet();
  await fleet.startPrincipal();
  bystander = new Bystander(fleet);
  await bystander.start();
  agent = await fleet.journalAgent("troubled");
  await agent.start();
  await fleet.connected("troubled");
});

/** What the same agent is sent afterwards still arrives, in the same session. */
async function stillWorks(sessionId: string): Promise<void> {
  const { version } = await fleet.api.put("troubled", "Counter", "after", { n: Number(sessionId.length) });
  await eventually("an event behind the trouble arrives", async () => {
    const found = await fleet.api.resource("troubled", "Counter", "after");
    return found.observedVersion === version ? found : undefined;
  });
  expect((await fleet.api.agent("troubled")).session?.id).toBe(sessionId);
}

describe("a handler that does not do its work", () => {
  it("refuses for good: NACK, a dead letter with handler_rejected, and no second try", async () => {
    const { session } = await fleet.connected("troubled");
    const { version } = await fleet.api.put("troubled", "Refused", "keel", { any: "thing" });
    const letters = await eventually("there is a dead letter", async () => {
      const found = await fleet.api.deadLetters("troubled");
      return found.length > 0 ? found : undefined;
    });
    expect(letters).toEqual([
      expect.objectContaining({
        eventid: version,
        code: "handler_rejected",
        message: "there is no keel on this ship",
      }),
    ]);
    expect(await fleet.api.agent("troubled")).toMatchObject({ deadLetters: 1, pending: 0 });
    await agent.logged("the refusal", (line) => line["code"] === "handler_rejected");
    expect(await fleet.api.metric("hawser_dead_letters_total", 'code="handler_rejected"')).toBe(1);
    const runs = (await readJournal(fleet.path("troubled", "journal"))).filter(
      ({ what }) => what === "refused",
    );
    expect(runs).toHaveLength(1);
    await stillWorks(session.id);
    await bystander.isUnharmed();
  });

  it("throws: retryable NACK handler_failed, tried again with backoff until it succeeds", async () => {
    const { session } = await fleet.connected("troubled");
    const succeedsAt = 4;
    const { version } = await fleet.api.put("troubled", "Stubborn", "winch", { succeedsAt });
    const resource = await eventually("it is applied in the end", async () => {
      const found = await fleet.api.resource("troubled", "Stubborn", "winch");
      return found.observedVersion === version ? found : undefined;
    });
    expect(resource.status).toEqual({ attempts: succeedsAt });
    const attempts = (await readJournal(fleet.path("troubled", "journal"))).flatMap((line) =>
      line.what === "threw" ? [line.attempt] : [],
    );
    expect(attempts).toEqual([1, 2, 3, 4]);
    const line = await agent.logged("the failure", (candidate) => candidate["code"] === "handler_failed");
    expect(JSON.stringify(line)).toContain("the winch is jammed");
    expect(await fleet.api.metric("hawser_events_nacked_total", 'agent="troubled"', 'retryable="true"')).toBe(
      succeedsAt - 1,
    );
    await stillWorks(session.id);
    await bystander.isUnharmed();
  });

  it("is not there: NACK, a dead letter with no_handler", async () => {
    const { session } = await fleet.connected("troubled");
    await fleet.api.put("troubled", "Anchor", "bower", {});
    await eventually("there is a dead letter", async () =>
      (await fleet.api.deadLetters("troubled")).find(({ code }) => code === "no_handler"),
    );
    await agent.logged("the refusal", (line) => line["code"] === "no_handler");
    await stillWorks(session.id);
    await bystander.isUnharmed();
  });
});
