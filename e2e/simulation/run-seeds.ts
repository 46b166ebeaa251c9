import { env } from "node:process";
import { expect, it } from "vitest";
import type { Plan } from "./plan.js";
import { simulate } from "./simulation.js";
import { Tally, type Struck } from "./tally.js";

/** Fewer seeds of one file need not see each fault. */
const ENOUGH_SEEDS = 250;

/** Which seeds of which kind of run. */
export interface Seeds {
  readonly plan: (seed: number) => Plan;
  /** The seeds all files together run, unless HAWSER_SEEDS names others. */
  readonly range: string;
  /** Faults that have to strike at least once in enough seeds. How often each did is printed. */
  readonly promised?: readonly Struck[];
}

/** Declares a test for each seed of one of `parts` equal shares; with HAWSER_SEED for that one alone, in the first. */
export function runSeeds({ plan, range, promised }: Seeds, part: number, parts: number): void {
  const tally = new Tally();
  const run = async (seed: number): Promise<void> => {
    const found = await simulate(plan(seed), tally);
    expect(found, found).toBeUndefined();
  };
  const replayed = env["HAWSER_SEED"];
  if (replayed !== undefined) {
    if (part === 0) it(`seed ${replayed}`, () => run(Number(replayed)));
    else it.skip("another seed is replayed", () => {});
    return;
  }
  const seeds = seedsOf(env["HAWSER_SEEDS"] ?? range).filter((seed) => seed % parts === part);
  it.each(seeds)("seed %i", run);
  if (promised === undefined) return;
  it("sees each fault", () => {
    console.info(`${seeds.length} seeds\n${tally.toString()}`);
    const missing = seeds.length < ENOUGH_SEEDS ? [] : promised.filter((what) => tally.of(what) === 0);
    expect(missing).toEqual([]);
  });
}

function seedsOf(range: string): number[] {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(range) ?? [];
  if (from === undefined || to === undefined)
    throw new Error(`HAWSER_SEEDS is ${range}; it must be like 1..1000`);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
}
