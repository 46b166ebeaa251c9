import { runSeeds } from "./run-seeds.js";

runSeeds(3, 4);
