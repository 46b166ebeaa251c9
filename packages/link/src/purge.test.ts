import { HawserError, type EventDraft } from "@hawser/protocol";
import type { Purged } from "@hawser/store";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ReadAhead } from "./read-ahead.js";
import type { Outcome } from "./delivery.js";
import { command, deletion, rejected, spec, TwoSides } from "./testing/two-sides.js";

let sides: TwoSides;
/** Handlers that have not ended. */
let ends: (() => void)[];

beforeEach(async () => {
  sides = new TwoSides();
  ends = [];
  await sides.start();
});
afterEach(() => sides.stop());

const publish = (...events: EventDraft[]): Promise<readonly number[]> =>
  sides.publish(sides.principal, "edge-1", events);
const sent = (): readonly string[] =>
  sides.principal.sent.map(({ event, attempt }) => `${event.resourceid}@${event.eventid}#${attempt}`);

function hang(): Promise<Outcome> {
  return new Promise((resolve) => ends.push(() => resolve({ kind: "applied" })));
}

async function purge(subject?: string): Promise<Purged> {
  const purging = sides.principal.store.purge("edge-1", subject === undefined ? {} : { subject });
  await sides.world.advance(1);
  return purging;
}

it("sends nothing that was purged, says how much was sent before, and goes on with what comes", async () => {
  sides.window = 2;
  sides.agent.handler = hang;
  await sides.connect();
  await publish(command("a"), command("b"), command("a"), command("c"), command("d"));
  await sides.world.advance(100);
  expect(sent()).toEqual(["a_u1@1#1", "b_u1@2#1"]);
  expect(await purge()).toEqual({ purged: 5, inFlight: 2, left: 0 });
  await publish(command("e"), command("a"));
  await sides.world.advance(500);
  expect(sent()).toHaveLength(2);
  sides.agent.handler = () => ({ kind: "applied" });
  for (const end of ends) end();
  await sides.world.advance(120_000);
  expect(sent().slice(2)).toEqual(["e_u1@6#1", "a_u1@7#1"]);
  expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
  expect(sides.principalEnds).toEqual([]);
});

it("gives the room of what hangs at the agent to what comes, once its answer is late", async () => {
  sides.window = 1;
  sides.agent.handler = hang;
  const link = await sides.connect();
  await publish(command("a"));
  await sides.world.advance(100);
  expect(await purge()).toMatchObject({ purged: 1, inFlight: 1 });
  await publish(command("b"));
  await sides.world.advance(60_000);
  expect(sent()).toEqual(["a_u1@1#1", "b_u1@2#1", ...sent().slice(2)]);
  expect(sent().filter((each) => each.startsWith("a"))).toHaveLength(1);
  expect(link.session.isEnding).toBe(false);
  for (const end of ends) end();
  await sides.world.advance(1_000);
  expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0 });
});

it("takes a refusal of what was purged as an answer, and makes no dead letter of it", async () => {
  sides.agent.handler = () => hang().then(() => rejected(new HawserError("handler_rejected", "never")));
  await sides.connect();
  await publish(command("a"));
  await sides.world.advance(100);
  await purge();
  sides.agent.handler = () => ({ kind: "applied" });
  await publish(command("a"));
  for (const end of ends) end();
  await sides.world.advance(1_000);
  expect(sides.agent.applied).toEqual(["a_u1@1", "a_u1@2"]);
  expect(sides.principal.deadLettered).toEqual([]);
  expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0, deadLetters: 0 });
});

it("purges what is held in memory, what is left on disk, and what is being read", async () => {
  sides.window = 4;
  sides.readAhead = new ReadAhead({ totalBytes: 65_536, sessionBytes: 65_536 });
  sides.agent.handler = hang;
  await publish(...Array.from({ length: 3_000 }, (_, index) => command(`r${index % 7}`)));
  const dialled = sides.connect();
  const purging = sides.principal.store.purge("edge-1");
  await dialled;
  await sides.world.advance(5_000);
  const { purged, inFlight } = await purging;
  expect(purged).toBe(3_000);
  const already = sent().length;
  expect(inFlight).toBeLessThanOrEqual(already);
  await publish(command("late"));
  for (const end of ends) end();
  sides.agent.handler = () => ({ kind: "applied" });
  await sides.world.advance(120_000);
  expect(sent().slice(already)).toEqual(["late_u1@3001#1"]);
  expect(await sides.principal.store.stats("edge-1")).toMatchObject({ pending: 0 });
});

it("lets a new uid go when the delete before it is purged, at the latest when the answer to what was sent is late", async () => {
  const subject = "Thing/x";
  sides.agent.handler = hang;
  await sides.connect();
  // The delete waits behind a command that hangs, and the next uid waits for the delete.
  await publish(command("x"), deletion("x"), spec("x", 1, "u2"));
  await sides.world.advance(100);
  expect(sent()).toEqual(["x_u1@1#1"]);
  expect(await purge(subject)).toEqual({ purged: 3, inFlight: 1, left: 0 });
  await publish(spec("x", 2, "u3"));
  await sides.world.advance(60_000);
  expect(sent().slice(1, 2)).toEqual(["x_u3@4#1"]);
  for (const end of ends.splice(0)) end();
  await sides.world.advance(60_000);
  // Now the delete is under way itself.
  await publish(deletion("x", "u3"), spec("x", 3, "u4"));
  await sides.world.advance(100);
  const already = sent().length;
  expect(sent().at(-1)).toBe("x_u3@5#1");
  expect(await purge(subject)).toEqual({ purged: 2, inFlight: 1, left: 0 });
  await publish(spec("x", 4, "u5"));
  await sides.world.advance(100);
  expect(sent()).toHaveLength(already);
  await sides.world.advance(60_000);
  expect(sent()[already]).toBe("x_u5@7#1");
});

it("lets a new uid go at once when its delete is purged and nothing of the old one is under way", async () => {
  sides.window = 1;
  sides.agent.handler = hang;
  await sides.connect();
  await publish(command("other"), deletion("x"), spec("x", 1, "u2"));
  await sides.world.advance(100);
  expect(await purge("Thing/x")).toEqual({ purged: 2, inFlight: 0, left: 1 });
  await publish(spec("x", 2, "u3"));
  expect(sides.principalLinks[0]?.turnOf("x_u3")).toMatchObject({ kind: "ready" });
  for (const end of ends) end();
  await sides.world.advance(100);
  expect(sent()).toEqual(["other_u1@1#1", "x_u3@4#1"]);
});

it("forgets what was purged, and was in flight, before the next session took over", async () => {
  sides.agent.handler = hang;
  await sides.connect();
  await publish(command("a"), command("a"), command("b"));
  await sides.world.advance(100);
  expect(await purge()).toEqual({ purged: 3, inFlight: 2, left: 0 });
  await sides.connect();
  await publish(command("c"));
  await sides.world.advance(60_000);
  expect(new Set(sent())).toEqual(
    new Set(["a_u1@1#1", "b_u1@3#1", ...sent().filter((s) => s.startsWith("c"))]),
  );
});
