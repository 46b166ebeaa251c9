import { runSeeds } from "./run-seeds.js";

runSeeds(0, 4);
