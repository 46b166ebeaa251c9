// Format, lint rules (circles, floating promises, deep imports, clocks outside runtime, lengths), dead code, dependencies that only tests use, types of everything, tests and scripts included, and
// the licences of what runs in production. What has not changed since it last passed is not checked again; `-- --force` checks it all the same.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./packages/workspace.mjs";
import { runTasks } from "./run-tasks.mjs";

/** @type {{ scripts: Record<string, string> }} */
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const checks = Object.keys(scripts).filter((name) => name.startsWith("lint:"));
const passed = runTasks([...checks, "--filter=//", "--continue", ...process.argv.slice(2)]);
console.log(passed ? "lint: clean" : "lint: failed; if it is lint:format, 'npm run format' mends it");
process.exit(passed ? 0 : 1);
