import { makePlan } from "./plan.js";
import { runSeeds } from "./run-seeds.js";

runSeeds({ plan: makePlan, range: "1..1000" }, 0, 4);
