import { expect, test } from "vitest";
import { DeliverySimulation } from "./testing/delivery-simulation.js";

/** `HAWSER_SEED=n` replays one run alone. */
const replay = process.env["HAWSER_SEED"];
const SEEDS = 1_000;
const seeds =
  replay === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(replay)];

test(`delivery keeps its rules under faults and settles after them (${seeds.length} seeds)`, {
  timeout: 60_000,
}, () => {
  for (const seed of seeds) {
    try {
      new DeliverySimulation(seed).run();
    } catch (thrown) {
      const how = `HAWSER_SEED=${seed} npx vitest run --project unit packages/delivery/src/delivery.simulation.test.ts`;
      expect.fail(
        `seed ${seed}: ${String(thrown)}\nreplay alone: ${how}\n${thrown instanceof Error ? thrown.stack : ""}`,
      );
    }
  }
});
