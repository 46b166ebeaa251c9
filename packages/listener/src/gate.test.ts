import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import { Gate, type GateOptions, type GateState, type ReadinessCondition } from "./gate.js";

let world: VirtualRuntime;
let states: string[];

beforeEach(() => {
  world = createVirtualRuntime({ seed: 3 });
  states = [];
});

function told(state: GateState): string {
  switch (state.kind) {
    case "waiting":
      return `waiting: ${state.for}: ${state.reason}`;
    case "open":
      return `open by ${state.by}`;
    default:
      return state.kind;
  }
}

function gateOf(options: GateOptions, own: readonly ReadinessCondition[] = []): Gate {
  return new Gate(world.runtime, own, {
    ...options,
    onState: (state) => states.push(`${world.now()} ${told(state)}`),
  });
}

/** True from a moment on, and again not true from another. */
function condition(name: string, fromMs: number, toMs = Number.POSITIVE_INFINITY): ReadinessCondition {
  return {
    name,
    check: async () => (world.now() >= fromMs && world.now() < toMs ? true : `not before ${fromMs}`),
  };
}

it("waits for one condition after the other, lets things settle, and opens", async () => {
  const own = [condition("store", 300), condition("self-login", 600)];
  const opening = gateOf({ conditions: [condition("migration", 900)], stableForMs: 2_000 }, own).open();
  await world.advance(3_000);
  await opening;
  expect(states).toEqual([
    "0 waiting: store: not before 300",
    "500 waiting: self-login: not before 600",
    "750 waiting: migration: not before 900",
    "1000 settling",
    "3000 open by conditions",
  ]);
});

it("opens at once when there is nothing to wait for", async () => {
  await gateOf({ stableForMs: 0 }).open();
  expect(states).toEqual(["0 settling", "0 open by conditions"]);
});

it("begins anew when a condition fails while it settles", async () => {
  const conditions = [condition("flaky", 0, 700), condition("late", 0)];
  const gate = gateOf({ conditions, stableForMs: 2_000, fallback: { afterMs: 5_000, action: "fail" } });
  const opening = gate.open();
  const failed = expect(opening).rejects.toMatchObject({
    code: "timeout",
    message: "not ready after 5000 ms (waiting for flaky: not before 0); the port stays closed",
  });
  await world.advance(5_000);
  await failed;
  expect(states).toEqual(["0 settling", "750 waiting: flaky: not before 0"]);
});

it("takes a condition that throws for one that does not hold, with its words", async () => {
  const broken: ReadinessCondition = { name: "dns", check: () => Promise.reject(new Error("no such host")) };
  const opening = gateOf({ conditions: [broken], fallback: { afterMs: 1_000, action: "open" } }).open();
  await world.advance(1_000);
  await opening;
  expect(states).toEqual(["0 waiting: dns: no such host", "1000 open by fallback"]);
});

it("is not kept from its fallback by a check that never ends", async () => {
  const hanging: ReadinessCondition = { name: "hangs", check: () => new Promise(() => {}) };
  const opening = gateOf({ conditions: [hanging], fallback: { afterMs: 1_000, action: "open" } }).open();
  await world.advance(1_000);
  await opening;
  expect(states).toEqual(["1000 waiting: hangs: no answer in time", "1000 open by fallback"]);
});

describe("closing", () => {
  it("ends an opening that is under way, and tells conditions to give up", async () => {
    let signal: AbortSignal | undefined;
    const hanging: ReadinessCondition = {
      name: "hangs",
      check: (given) => {
        signal = given;
        return new Promise((resolve) => given.addEventListener("abort", () => resolve("given up")));
      },
    };
    const gate = gateOf({ conditions: [hanging] });
    const failed = expect(gate.open()).rejects.toMatchObject({ code: "aborted" });
    await world.advance(100);
    gate.close();
    await world.advance(1_000);
    await failed;
    expect(signal?.aborted).toBe(true);
    expect(gate.state).toEqual({ kind: "closed" });
  });
});

it("refuses times that cannot be, by name", () => {
  expect(() => gateOf({ stableForMs: -1 })).toThrow("gate.stableForMs");
  expect(() => gateOf({ fallback: { afterMs: Number.NaN, action: "open" } })).toThrow(
    "gate.fallback.afterMs",
  );
});
