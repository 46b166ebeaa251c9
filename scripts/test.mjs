// Runs the tests that are named on the command line; without any, all but the stages of `npm run test:long`. Ends with one line that counts them, for whoever keeps a log of runs.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./packages/workspace.mjs";

const folder = mkdtempSync(join(tmpdir(), "hawser-test-"));
const report = join(folder, "report.json");
const asked = process.argv.slice(2);
const chosen = asked.length > 0 ? asked : ["--project=!long"];
const { status } = spawnSync(
  join(ROOT, "node_modules", ".bin", "vitest"),
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...chosen],
  { cwd: ROOT, stdio: "inherit" },
);
console.log(`tests: ${countOf(report)}`);
rmSync(folder, { recursive: true, force: true });
process.exit(status ?? 1);

/** @param {string} file @returns {string} */
function countOf(file) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(file, "utf8"));
    return `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`;
  } catch (error) {
    return `the runner left no report (${error instanceof Error ? error.message : String(error)})`;
  }
}
