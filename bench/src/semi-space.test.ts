import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { SERVICE_SEMI_SPACE_MB } from "./bench-options.js";

it("measures the principal with the young generation that its image gives it", async () => {
  const dockerfile = await readFile(new URL("../../Dockerfile", import.meta.url), "utf8");
  const [, megabytes] =
    /"--max-semi-space-size=(\d+)", "\/app\/bin\/hawser-principal\.js"/.exec(dockerfile) ?? [];
  expect(megabytes).toBe(String(SERVICE_SEMI_SPACE_MB));
});
