import { silentLogger } from "@hawser/runtime";
import { createVirtualRuntime } from "@hawser/testkit";
import { expect, test } from "vitest";
import { TwoMachines } from "./two-machines.js";

function watch() {
  const world = createVirtualRuntime({ seed: 1 });
  const lines: unknown[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void lines.push(fields) };
  const machines = new TwoMachines(world.runtime.clock, logger);
  const swap = (times: number): void => {
    for (let n = 0; n < times; n += 1)
      machines.takenOver("edge-1", `192.0.2.${1 + (n % 2)}:1`, `192.0.2.${2 - (n % 2)}:${n}`);
  };
  return { world, lines, machines, swap };
}

test("two hosts that take each other over are told in one line with both addresses", () => {
  const { lines, swap } = watch();
  swap(2);
  expect(lines).toEqual([]);
  swap(20);
  expect(lines).toEqual([
    { agent: "edge-1", address: "192.0.2.2:0", other_address: "192.0.2.1:1", takeovers: 3 },
  ]);
});

test("and again after ten minutes, while it lasts", async () => {
  const { world, lines, swap } = watch();
  swap(5);
  await world.advance(10 * 60_000 + 1);
  swap(5);
  expect(lines).toHaveLength(2);
});

test("one machine that comes back from the same address, or moves once, is no news", async () => {
  const { world, lines, machines, swap } = watch();
  for (let n = 0; n < 50; n += 1) machines.takenOver("edge-2", `192.0.2.9:${n}`, `192.0.2.9:${n + 1}`);
  for (let n = 0; n < 5; n += 1) {
    swap(1);
    await world.advance(6 * 60_000);
  }
  expect(lines).toEqual([]);
});
