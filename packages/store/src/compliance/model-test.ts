import { seededRandom } from "@hawser/runtime";
import { describe, it } from "vitest";
import { HandClock, storeFor, type MakeStore } from "./harness.js";
import { ModelRun } from "./model-run.js";

const SEEDS = 12;
const STEPS = 120;
const LIMITS = { maxEntries: 14, maxIdempotencyKeys: 4, maxIdempotencyAgeMs: 400 };

export function modelCompliance(make: MakeStore): void {
  describe("random operations against a model", () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      it(`answers like the model, seed ${seed}`, { timeout: 30_000 }, async () => {
        const clock = new HandClock();
        const underTest = await storeFor(make, LIMITS, clock);
        await new ModelRun(underTest, LIMITS, clock, seededRandom(seed)).run(STEPS);
      });
    }
  });
}
