import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tryDirectory } from "./try-start.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hawser-try-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it("leaves nothing behind, neither directories nor files", () => {
  tryDirectory(join(root, "a", "b", "c"), "--data-dir");
  tryDirectory(root, "--data-dir");
  expect(readdirSync(root)).toEqual([]);
});

it("leaves alone what was there before", () => {
  writeFileSync(join(root, "kept"), "");
  tryDirectory(join(root), "--data-dir");
  expect(readdirSync(root)).toEqual(["kept"]);
});

it("says what cannot be written, why, and what to do", () => {
  writeFileSync(join(root, "file"), "");
  expect(() => tryDirectory(join(root, "file", "below"), "--data-dir x")).toThrow(
    /--data-dir x cannot be written: ENOTDIR.*choose another directory/,
  );
  expect(readdirSync(root)).toEqual(["file"]);
});
