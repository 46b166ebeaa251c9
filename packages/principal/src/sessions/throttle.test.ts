import { createVirtualRuntime } from "@hawser/testkit";
import { expect, it } from "vitest";
import { AgentRates } from "./agent-rates.js";
import { FairTurns } from "./fair-turns.js";
import { Throttle } from "./throttle.js";

function stage() {
  const virtual = createVirtualRuntime({ seed: 1 });
  const calls: string[] = [];
  const note = (what: string) => () => void calls.push(what);
  const connection = { pause: note("pause"), resume: note("resume"), terminate: note("terminate") };
  const paused = new Set<Throttle>();
  const throttle = new Throttle(connection, new FairTurns(virtual.runtime), virtual.runtime, paused);
  const limits = { eventsPerSecond: 1_000, bytesPerSecond: 10_000, controlsPerSecond: 1_000 };
  throttle.use(new AgentRates(limits, virtual.now()));
  return { virtual, calls, paused, throttle };
}

it("counts as paused while its agent has to wait, and not longer", async () => {
  const { virtual, calls, paused, throttle } = stage();
  throttle.refused(10_000);
  expect(paused.size).toBe(0);
  // What cannot be read counts as much as what can.
  throttle.refused(1_000);
  expect([paused.size, calls]).toEqual([1, ["pause"]]);
  await virtual.advance(99);
  expect(paused.size).toBe(1);
  await virtual.advance(2);
  expect([paused.size, calls.at(-1)]).toEqual([0, "resume"]);
});

it("does not count any more once it has ended", () => {
  const { paused, throttle } = stage();
  throttle.refused(30_000);
  expect(paused.size).toBe(1);
  throttle.ended();
  expect(paused.size).toBe(0);
});
