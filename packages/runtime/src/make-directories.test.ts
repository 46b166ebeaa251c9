import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeDirectories, makeDirectoriesSync } from "./make-directories.js";

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "hawser-make-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe.each([
  ["at once", async (path: string, mode?: number) => makeDirectoriesSync(path, mode)],
  ["without holding up", (path: string, mode?: number) => makeDirectories(path, mode)],
])("%s", (_how, make) => {
  test("makes what is missing with the mode, and answers the first", async () => {
    const base = temporary();
    mkdirSync(join(base, "a"), { mode: 0o755 });
    expect(await make(relative(process.cwd(), join(base, "a", "b", "c")), 0o700)).toBe(join(base, "a", "b"));
    expect(await make(join(base, "a", "b", "c"))).toBeUndefined();
    const modes = ["a", "a/b", "a/b/c"].map((path) => statSync(join(base, path)).mode & 0o777);
    expect(modes.map((mode) => mode.toString(8))).toEqual(["755", "700", "700"]);
  });

  test("goes through links to directories", async () => {
    const base = temporary();
    mkdirSync(join(base, "real"));
    symlinkSync(join(base, "real"), join(base, "link"));
    await make(join(base, "link", "below"));
    expect(statSync(join(base, "real", "below")).isDirectory()).toBe(true);
  });

  test("says what is in the way", async () => {
    const base = temporary();
    writeFileSync(join(base, "file"), "");
    await expect(make(join(base, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(make(join(base, "file", "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  test.runIf(process.platform === "linux")("fails in /proc, where nothing can be made", async () => {
    await expect(make("/proc/hawser/below")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
