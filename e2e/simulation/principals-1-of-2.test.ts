import { runSharedSeeds } from "./run-shared-seeds.js";

runSharedSeeds(0, 2);
