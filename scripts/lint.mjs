// Format, lint rules (cycles, floating promises, deep imports, clocks outside runtime), dead code, dependencies that only tests use, types of everything, tests included, and the licences of
// what runs in production.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** @type {[name: string, command: string, args: string[]][]} */
const checks = [
  ["format", "biome", ["format", "."]],
  ["rules", "oxlint", ["--type-aware", "--deny-warnings"]],
  ["dead code", "knip", ["--no-progress", "--treat-config-hints-as-errors"]],
  ["dependencies", "node", ["scripts/check-dependencies.mjs"]],
  ["types", "tsc", ["--noEmit", "-p", "tsconfig.json"]],
  ["licences", "node", ["scripts/check-licences.mjs"]],
];

let failed = 0;
for (const [name, command, args] of checks) {
  const program = command === "node" ? process.execPath : join(root, "node_modules", ".bin", command);
  const result = spawnSync(program, args, {
    cwd: root,
    stdio: "inherit",
  });
  if (result.status === 0) continue;
  failed += 1;
  console.error(`lint: ${name} failed${name === "format" ? "; 'npm run format' mends it" : ""}`);
}
if (failed === 0) console.log("lint: clean");
process.exit(failed === 0 ? 0 : 1);
