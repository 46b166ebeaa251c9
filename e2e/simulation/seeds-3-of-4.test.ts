import { runSeeds } from "./run-seeds.js";

runSeeds(2, 4);
