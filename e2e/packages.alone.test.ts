import { expect, it } from "vitest";
import { runProgram } from "./support/programs.js";
import { ROOT } from "./support/typescript-examples.js";

it("every package packs, installs into an empty project, and works there as its documents say", async () => {
  const { code, stdout, stderr } = await runProgram("scripts/check-packages.mjs", [], {
    cwd: ROOT,
    timeoutMs: 280_000,
  });
  console.log(stdout);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
