// Runs the tests that are named on the command line; without any, all but the stages of `npm run test:long`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./packages/workspace.mjs";

const asked = process.argv.slice(2);
const chosen = asked.length > 0 ? asked : ["--project=!long"];
const vitest = join(ROOT, "node_modules", ".bin", "vitest");
const { status } = spawnSync(vitest, ["run", ...chosen], { cwd: ROOT, stdio: "inherit" });
process.exit(status ?? 1);
