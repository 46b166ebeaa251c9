import { runSeeds } from "./run-seeds.js";
import { makeSharedPlan } from "./shared-plan.js";
import { PROMISED } from "./tally.js";

/** Declares the tests of one of `parts` shares of the seeds with several principals over one store. */
export function runSharedSeeds(part: number, parts: number): void {
  runSeeds({ plan: makeSharedPlan, range: "1..20", promised: PROMISED }, part, parts);
}
