import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { AgentChangeLog, COALESCE_MS } from "./agent-change-log.js";
import { EventJournal } from "./event-journal.js";

function thrower(): never {
  throw new Error("a fault of a reader");
}

it("a reader that throws as it is woken keeps none of the others waiting", async () => {
  const virtual = createVirtualRuntime({ seed: 1 });
  const journal = new EventJournal(virtual.runtime);
  const woken: string[] = [];
  journal.onceAdded(thrower);
  journal.onceAdded(() => woken.push("other"));
  journal.observer.accepted?.("a", { resourceid: "a_1", eventid: "1", type: "t" });
  await virtual.advance(1);
  expect(woken).toEqual(["other"]);
});

it("a reader that throws as an agent changes keeps no change from the others", async () => {
  const virtual = createVirtualRuntime({ seed: 1 });
  const log = new AgentChangeLog(virtual.runtime);
  const told: string[] = [];
  log.listen(thrower);
  log.listen((agent) => told.push(agent));
  for (const agent of ["a", "b"])
    log.observer.accepted?.(agent, { resourceid: "a_1", eventid: "1", type: "t" });
  await virtual.advance(COALESCE_MS);
  expect(told).toEqual(["a", "b"]);
});
