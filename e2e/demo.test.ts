import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { runProgram } from "./support/programs.js";

const DEMO = fileURLToPath(new URL("../apps/demo/dist/main.js", import.meta.url));

it("the demo, started anywhere, ends by itself with everything converged and nothing lost", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "hawser-demo-"));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const { code, stdout, stderr } = await runProgram(DEMO, ["--once"], { cwd, timeoutMs: 120_000 });
  expect(stdout.trimEnd().split("\n").at(-1), `${stdout}${stderr}`).toMatch(
    /^demo: converged agents=3 resources=\d+ events=\d+ resent=\d+ lost=0$/,
  );
  expect(code).toBe(0);
  // What it leaves behind to look at is where it says.
  await access(join(cwd, ".hawser", "demo", "principal.log"));
});
