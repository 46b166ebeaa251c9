import { env } from "node:process";
import { expect, it } from "vitest";
import { simulate } from "./simulation.js";

/** How many seeds all files together run. */
const SEEDS = 1_000;

/** Declares a test for each seed of one of `parts` equal shares; with HAWSER_SEED for that one alone, in the first. */
export function runSeeds(part: number, parts: number): void {
  const replayed = env["HAWSER_SEED"];
  if (replayed !== undefined) {
    if (part === 0) it(`seed ${replayed}`, () => runSeed(Number(replayed)));
    else it.skip("another seed is replayed", () => {});
    return;
  }
  const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1).filter(
    (seed) => seed % parts === part,
  );
  it.each(seeds)("seed %i", runSeed);
}

async function runSeed(seed: number): Promise<void> {
  const found = await simulate(seed);
  expect(found, found).toBeUndefined();
}
