import { createHash } from "node:crypto";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DesiredResource, HandlerContext } from "@hawser/agent";
import type { JsonValue } from "@hawser/protocol";
import { silentLogger } from "@hawser/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigFileHandler } from "./config-file-handler.js";

const NOW = Date.UTC(2026, 0, 2);

let directory: string;
let root: string;
let handler: ConfigFileHandler;

const context: HandlerContext = {
  report: () => Promise.resolve(),
  signal: new AbortController().signal,
  logger: silentLogger,
};

function make(): ConfigFileHandler {
  return new ConfigFileHandler({
    root,
    now: () => NOW,
    stateDirectory: join(directory, "state"),
    maxBytes: 1_000,
  });
}

function resource(spec: JsonValue, name = "motd", version = "1"): DesiredResource {
  return { kind: "ConfigFile", name, uid: "u1", version, attempt: 1, spec };
}

const apply = (spec: JsonValue, name?: string): Promise<JsonValue> =>
  handler.apply(resource(spec, name), context);
const remove = (name?: string): Promise<void> => handler.delete(resource(null, name), context);
const text = (path: string): Promise<string> => readFile(join(root, path), "utf8");

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-config-file-"));
  root = join(directory, "root");
  handler = make();
});

afterEach(() => rm(directory, { recursive: true, force: true }));

describe("ConfigFile", () => {
  it("writes content, mode and parents, and says what it wrote", async () => {
    const status = await apply({ path: "etc/app/motd.txt", content: "hello", mode: "0640" });
    expect(await text("etc/app/motd.txt")).toBe("hello");
    expect((await stat(join(root, "etc/app/motd.txt"))).mode & 0o7777).toBe(0o640);
    expect(status).toEqual({
      state: "written",
      path: "etc/app/motd.txt",
      bytes: 5,
      sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    });
    expect(await readdir(join(root, "etc/app"))).toEqual(["motd.txt"]);
  });

  it.each([
    ["077", 0o077],
    ["000", 0],
  ] as const)(
    "makes directories that others may read under umask %s, the root and those above it too",
    async (_, umask) => {
      root = join(directory, "var/lib/root");
      handler = make();
      const before = process.umask(umask);
      try {
        await apply({ path: "etc/motd", content: "hello" });
      } finally {
        process.umask(before);
      }
      for (const made of ["var", "var/lib", "var/lib/root", "var/lib/root/etc"])
        expect((await stat(join(directory, made))).mode & 0o7777, made).toBe(0o755);
      expect((await stat(join(root, "etc/motd"))).mode & 0o7777).toBe(0o644);
    },
  );

  it("leaves the mode of a root that was there", async () => {
    await mkdir(root);
    await chmod(root, 0o700);
    await apply({ path: "a", content: "1" });
    expect((await stat(root)).mode & 0o7777).toBe(0o700);
  });

  it("writes bytes given as base64", async () => {
    await apply({ path: "raw", contentBase64: "AP8Q" });
    expect([...(await readFile(join(root, "raw")))]).toEqual([0, 255, 16]);
  });

  it("leaves a file alone that is already right, and mends its mode otherwise", async () => {
    await apply({ path: "a", content: "same" });
    const before = await stat(join(root, "a"));
    await apply({ path: "a", content: "same" });
    expect((await stat(join(root, "a"))).ino).toBe(before.ino);
    await apply({ path: "a", content: "same", mode: "0600" });
    expect((await stat(join(root, "a"))).mode & 0o7777).toBe(0o600);
  });

  it("removes the old file when the path changes", async () => {
    await apply({ path: "old", content: "1" });
    await apply({ path: "new", content: "1" });
    expect(await readdir(root)).toEqual(["new"]);
  });

  it("leaves an old file that was changed since, and names it", async () => {
    await apply({ path: "old", content: "1" });
    await writeFile(join(root, "old"), "edited by hand");
    const status = await apply({ path: "new", content: "1" });
    expect(status).toMatchObject({ leftBehind: [join(root, "old")] });
    expect(await text("old")).toBe("edited by hand");
  });

  it("deletes the file, also when the process was replaced meanwhile", async () => {
    await apply({ path: "a/b", content: "1" });
    handler = make();
    await remove();
    expect(await readdir(join(root, "a"))).toEqual([]);
    expect(await readdir(join(directory, "state/config-file"))).toEqual([]);
  });

  it("does not delete a file that is not what was written", async () => {
    await apply({ path: "a", content: "1" });
    await writeFile(join(root, "a"), "2");
    await remove();
    expect(await text("a")).toBe("2");
  });

  it("deletes what it never saw, and again, without complaint", async () => {
    await remove("unknown");
    await apply({ path: "a", content: "1" });
    await remove();
    await remove();
    expect(await readdir(root)).toEqual([]);
  });

  it("knows its file after a crash between the note and the write", async () => {
    await apply({ path: "a", content: "old" });
    // The write of the next content cannot succeed: its temporary name is taken by a directory.
    const temporary = temporaryName();
    await mkdir(join(root, temporary, "in-the-way"), { recursive: true });
    await expect(apply({ path: "a", content: "new" })).rejects.toThrow();
    handler = make();
    await rm(join(root, temporary), { recursive: true });
    await remove();
    expect(await readdir(root)).toEqual([]);
  });

  it("takes over a temporary file that a crash left behind", async () => {
    const temporary = temporaryName();
    await mkdir(root, { recursive: true });
    await writeFile(join(root, temporary), "half");
    await apply({ path: "a", content: "whole" });
    expect(await readdir(root)).toEqual(["a"]);
  });

  it("gives one path to one resource, and frees it when that is deleted", async () => {
    await apply({ path: "a", content: "1" }, "first");
    const second = apply({ path: "a", content: "2" }, "second");
    await expect(second).rejects.toThrow("belongs to ConfigFile/first");
    await expect(second).rejects.not.toHaveProperty("code", "handler_rejected");
    handler = make();
    await expect(apply({ path: "a", content: "2" }, "second")).rejects.toThrow("belongs to ConfigFile/first");
    await remove("first");
    await apply({ path: "a", content: "2" }, "second");
    expect(await text("a")).toBe("2");
  });

  it.each([
    ["an absolute path", { path: "/etc/passwd", content: "" }, "relative"],
    ["a way up", { path: "a/../../b", content: "" }, "`..`"],
    ["an empty segment", { path: "a//b", content: "" }, "empty"],
    ["a backslash", { path: "a\\b", content: "" }, "forward slashes"],
    ["a NUL", { path: "a\0b", content: "" }, "relative"],
    ["a segment that is too long", { path: "x".repeat(256), content: "" }, "255"],
    ["no content", { path: "a" }, "either"],
    ["two contents", { path: "a", content: "", contentBase64: "" }, "either"],
    ["bad base64", { path: "a", contentBase64: "A" }, "base64"],
    ["a mode above what the agent allows", { path: "a", content: "", mode: "0777" }, 'which is "0755"'],
    [
      "a name of our own",
      { path: `b/${".hawser-0123456789abcdef.tmp"}`, content: "" },
      "this agent's own files",
    ],
    ["a bad mode", { path: "a", content: "", mode: "4755" }, "octal"],
    [
      "a mode that lost its quotes",
      { path: "a", content: "", mode: 644 },
      "must be text: three octal digits in quotes",
    ],
    ["an unknown key", { path: "a", content: "", owner: "root" }, "owner"],
    ["content above the limit", { path: "a", content: "x".repeat(1_001) }, "1000 are allowed"],
    ["a spec that is no object", "a", "expected object"],
  ])("refuses %s for good", async (_, spec, message) => {
    await expect(apply(spec)).rejects.toMatchObject({
      code: "handler_rejected",
      message: expect.stringContaining(message),
    });
  });

  it("is off without a root, says how to turn it on, and leaves what it wrote when it was on", async () => {
    await apply({ path: "a", content: "1" });
    handler = new ConfigFileHandler({
      root: undefined,
      now: () => NOW,
      stateDirectory: join(directory, "state"),
    });
    await expect(apply({ path: "a", content: "2" })).rejects.toMatchObject({
      code: "kind_disabled",
      message: expect.stringContaining("--config-file-root <directory>"),
    });
    await remove();
    expect(await text("a")).toBe("1");
  });

  it("removes nothing outside the root it has now", async () => {
    await apply({ path: "a", content: "1" });
    const before = root;
    root = join(directory, "another");
    handler = make();
    expect(await apply({ path: "b", content: "2" })).toMatchObject({ leftBehind: [join(before, "a")] });
    expect(await readFile(join(before, "a"), "utf8")).toBe("1");
  });

  it("holds no more files than it may", async () => {
    handler = new ConfigFileHandler({
      root,
      now: () => NOW,
      stateDirectory: join(directory, "state"),
      maxFiles: 1,
    });
    await apply({ path: "a", content: "1" }, "first");
    await expect(apply({ path: "b", content: "1" }, "second")).rejects.toThrow("1 files already");
    await apply({ path: "c", content: "1" }, "first");
    expect(await readdir(root)).toEqual(["c"]);
  });

  it.skipIf(process.platform !== "linux")(
    "writes nowhere else while directories are swapped for links",
    async () => {
      const outside = join(directory, "outside");
      await mkdir(outside);
      await mkdir(join(root, "dir"), { recursive: true });
      let swapping = true;
      const [there, away] = [join(root, "dir"), join(root, "away")];
      const ignore = (): void => {};
      const swapper = (async () => {
        while (swapping) {
          await rm(away, { recursive: true, force: true });
          await rename(there, away).catch(ignore);
          await symlink(outside, there).catch(ignore);
          await unlink(there).catch(ignore);
          await rename(away, there).catch(ignore);
        }
      })();
      for (let turn = 0; turn < 150; turn += 1)
        await apply({ path: "dir/a", content: `${turn}` }).catch(() => undefined);
      swapping = false;
      await swapper;
      expect(await readdir(outside)).toEqual([]);
    },
  );

  it("takes content at the limit", async () => {
    expect(await apply({ path: "a", content: "x".repeat(1_000) })).toMatchObject({ bytes: 1_000 });
  });

  it("refuses symbolic links that lead outside, and follows those that stay inside", async () => {
    await mkdir(join(root, "inside"), { recursive: true });
    await symlink(directory, join(root, "outside"));
    await symlink(join(root, "inside"), join(root, "link"));
    await symlink(join(directory, "nowhere"), join(root, "dangling"));
    for (const parent of ["outside", "outside/deeper", "dangling"]) {
      await expect(apply({ path: `${parent}/a`, content: "1" })).rejects.toMatchObject({
        code: "handler_rejected",
      });
    }
    await apply({ path: "link/a", content: "1" });
    expect(await text("inside/a")).toBe("1");
    expect(await readdir(directory)).toEqual(["root", "state"]);
  });

  it("replaces a symbolic link at the path itself instead of following it", async () => {
    await mkdir(root, { recursive: true });
    await writeFile(join(directory, "precious"), "keep me");
    await symlink(join(directory, "precious"), join(root, "a"));
    await apply({ path: "a", content: "mine" });
    expect(await text("a")).toBe("mine");
    expect(await readFile(join(directory, "precious"), "utf8")).toBe("keep me");
  });

  it("refuses a path that is a directory, and a parent that is a file", async () => {
    await mkdir(join(root, "dir"), { recursive: true });
    await writeFile(join(root, "file"), "");
    await expect(apply({ path: "dir", content: "" })).rejects.toMatchObject({ code: "handler_rejected" });
    await expect(apply({ path: "file/a", content: "" })).rejects.toMatchObject({ code: "handler_rejected" });
  });
});

/** The name of the temporary file of resource `motd`. */
function temporaryName(): string {
  return `.hawser-${createHash("sha256").update("motd").digest("hex").slice(0, 16)}.tmp`;
}

describe("what somebody else did to a file", () => {
  const SPEC = { path: "etc/motd", content: "hello", mode: "0640" };
  const check = (spec: JsonValue = SPEC, version = "1"): Promise<JsonValue | void> =>
    handler.check(resource(spec, "motd", version), context);
  const file = (): string => join(root, "etc/motd");

  it("is mended, and told with how often that was", async () => {
    const status = Object(await apply(SPEC)) as object;
    expect(await check()).toBeUndefined();
    await writeFile(file(), "tampered");
    const at = "2026-01-02T00:00:00.000Z";
    expect(await check()).toEqual({ ...status, repairs: 1, repairedAt: at });
    expect(await text("etc/motd")).toBe("hello");
    expect(await check()).toBeUndefined();
    await chmod(file(), 0o600);
    expect(await check()).toEqual({ ...status, repairs: 2, repairedAt: at });
    expect((await stat(file())).mode & 0o7777).toBe(0o640);
    await rm(join(root, "etc"), { recursive: true });
    expect(await check()).toEqual({ ...status, repairs: 3, repairedAt: at });
    await unlink(file());
    await symlink("/etc/hostname", file());
    expect(await check()).toMatchObject({ repairs: 4 });
    expect(await text("etc/motd")).toBe("hello");
    await writeFile(file(), "hello!");
    expect(await check(SPEC, "2")).toMatchObject({ repairs: 1 });
  });

  it("is found after a restart as well", async () => {
    await apply(SPEC);
    await writeFile(file(), "tampered");
    handler = make();
    expect(await check()).toMatchObject({ repairs: 1 });
    expect(await text("etc/motd")).toBe("hello");
  });

  it("is left and told where that is wanted, and told again once it is right", async () => {
    handler = new ConfigFileHandler({
      root,
      now: () => NOW,
      stateDirectory: join(directory, "state"),
      drift: "report",
    });
    const status = Object(await apply(SPEC)) as object;
    await writeFile(file(), "tampered");
    expect(await check()).toEqual({ ...status, state: "drifted", drift: "changed" });
    expect(await text("etc/motd")).toBe("tampered");
    await rm(file());
    expect(await check()).toEqual({ ...status, state: "drifted", drift: "missing" });
    await writeFile(file(), "hello");
    await chmod(file(), 0o640);
    expect(await check()).toEqual(status);
    expect(await check()).toBeUndefined();
  });

  it("is nobody's business before the file was written, for a spec that was not, or where the kind is off", async () => {
    expect(await check()).toBeUndefined();
    await apply(SPEC);
    expect(await check({ ...SPEC, content: "another" })).toBeUndefined();
    handler = new ConfigFileHandler({
      root: undefined,
      now: () => NOW,
      stateDirectory: join(directory, "state"),
    });
    expect(await check()).toBeUndefined();
  });
});
