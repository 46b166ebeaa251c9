import { env } from "node:process";
import { expect, it } from "vitest";
import { simulate } from "./simulation.js";

/** The seeds all files together run, unless HAWSER_SEEDS names others. */
const DEFAULT_SEEDS = "1..1000";

/** Declares a test for each seed of one of `parts` equal shares; with HAWSER_SEED for that one alone, in the first. */
export function runSeeds(part: number, parts: number): void {
  const replayed = env["HAWSER_SEED"];
  if (replayed !== undefined) {
    if (part === 0) it(`seed ${replayed}`, () => runSeed(Number(replayed)));
    else it.skip("another seed is replayed", () => {});
    return;
  }
  it.each(seedsOf(env["HAWSER_SEEDS"] ?? DEFAULT_SEEDS).filter((seed) => seed % parts === part))(
    "seed %i",
    runSeed,
  );
}

function seedsOf(range: string): number[] {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(range) ?? [];
  if (from === undefined || to === undefined)
    throw new Error(`HAWSER_SEEDS is ${range}; it must be like ${DEFAULT_SEEDS}`);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
}

async function runSeed(seed: number): Promise<void> {
  const found = await simulate(seed);
  expect(found, found).toBeUndefined();
}
