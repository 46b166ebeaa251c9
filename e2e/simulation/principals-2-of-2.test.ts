import { runSharedSeeds } from "./run-shared-seeds.js";

runSharedSeeds(1, 2);
