// Format, lint rules (cycles, floating promises, deep imports, clocks outside runtime), dead code, and types of everything, tests included.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** @type {[name: string, command: string, args: string[]][]} */
const checks = [
  ["format", "biome", ["format", "."]],
  ["rules", "oxlint", ["--type-aware", "--deny-warnings"]],
  ["dead code", "knip", ["--no-progress", "--treat-config-hints-as-errors"]],
  ["types", "tsc", ["--noEmit", "-p", "tsconfig.json"]],
];

let failed = 0;
for (const [name, command, args] of checks) {
  const result = spawnSync(join(root, "node_modules", ".bin", command), args, {
    cwd: root,
    stdio: "inherit",
  });
  if (result.status === 0) continue;
  failed += 1;
  console.error(`lint: ${name} failed${name === "format" ? "; 'npm run format' mends it" : ""}`);
}
if (failed === 0) console.log("lint: clean");
process.exit(failed === 0 ? 0 : 1);
