import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createLevelStore } from "./level-store.js";
import { tryLevelStore } from "./try-level-store.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hawser-try-store-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("makes none where there is none", async () => {
  expect(await tryLevelStore(directory)).toBe("absent");
  expect(await tryLevelStore(join(directory, "nowhere"))).toBe("absent");
  expect(readdirSync(directory)).toEqual([]);
});

it("tells one that another has from one that opens, and lets go of it", async () => {
  const store = createLevelStore({ directory });
  await store.start();
  expect(await tryLevelStore(directory)).toBe("in use");
  await store.stop();
  expect(await tryLevelStore(directory)).toBe("good");
  expect(await tryLevelStore(directory)).toBe("good");
});

it("says of a damaged one what the start would say", async () => {
  writeFileSync(join(directory, "CURRENT"), "MANIFEST-000009\n");
  await expect(tryLevelStore(directory)).rejects.toMatchObject({ code: "store_corrupt" });
});
