import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createJournalStore } from "./journal-store.js";
import { tryJournalStore } from "./try-journal-store.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hawser-try-store-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("makes none where there is none", async () => {
  expect(await tryJournalStore(directory)).toBe("absent");
  expect(await tryJournalStore(join(directory, "nowhere"))).toBe("absent");
  expect(readdirSync(directory)).toEqual([]);
});

it("tells one that another has from one that opens, and lets go of it", async () => {
  const store = createJournalStore({ directory });
  await store.start();
  expect(await tryJournalStore(directory)).toBe("in use");
  await store.stop();
  expect(await tryJournalStore(directory)).toBe("good");
  expect(await tryJournalStore(directory)).toBe("good");
});

it("says of a damaged one what the start would say", async () => {
  writeFileSync(join(directory, "CURRENT"), "MANIFEST-000009\n");
  await expect(tryJournalStore(directory)).rejects.toMatchObject({ code: "store_corrupt" });
});
