// Runs every test that is no stage of `npm run test:long`, or those named on the command line, and ends with one line that counts them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hawser-test-"));
const report = join(folder, "report.json");
const asked = process.argv.slice(2);
const chosen = asked.length > 0 ? asked : ["unit", "e2e", "e2e-alone"].map((name) => `--project=${name}`);
const result = spawnSync(
  join(root, "node_modules", ".bin", "vitest"),
  ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...chosen],
  { cwd: root, stdio: "inherit" },
);
let counted = "0 passed, 0 failed";
try {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"));
  counted = `${numPassedTests} passed, ${numFailedTests} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ""}`;
} catch (error) {
  console.error(`test: the runner left no report (${error.message})`);
}
rmSync(folder, { recursive: true, force: true });
console.log(`tests: ${counted}`);
process.exit(result.status ?? 1);
