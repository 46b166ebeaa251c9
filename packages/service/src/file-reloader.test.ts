import { mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRuntime, type Runtime } from "@hawser/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { digestOfFiles, FileReloader } from "./file-reloader.js";
import { createLogger } from "./create-logger.js";

let directory: string;
let lines: { readonly level: string; readonly msg: string; readonly role: string }[];
let runtime: Runtime;
const reloaders: FileReloader[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-reload-"));
  lines = [];
  runtime = systemRuntime(createLogger({ write: (line) => lines.push(JSON.parse(line)) }));
});

afterEach(async () => {
  for (const reloader of reloaders.splice(0)) reloader.stop();
  await rm(directory, { recursive: true, force: true });
});

/** One file whose content is taken unless it is "bad". */
async function following(
  intervalMs: number,
  betweenLoadAndStart: (path: string) => Promise<void> | void = () => {},
): Promise<{
  readonly path: string;
  readonly reloader: FileReloader;
  readonly taken: string[];
  next(): Promise<void>;
}> {
  const path = join(directory, "secret");
  await writeFile(path, "first");
  const taken: string[] = [];
  let wake = (): void => {};
  const apply = (): void => {
    const content = readFileSync(path, "utf8");
    wake();
    if (content === "bad") throw new Error("it is bad");
    taken.push(content);
  };
  const reloader = new FileReloader({
    runtime,
    intervalMs,
    groups: [{ role: "secrets", files: [path], inUse: digestOfFiles([path]), apply }],
  });
  reloaders.push(reloader);
  await betweenLoadAndStart(path);
  await reloader.start();
  return { path, reloader, taken, next: () => new Promise((resolve) => (wake = resolve)) };
}

it("by a signal, says in one line of every group what became of it", async () => {
  const { path, reloader, taken } = await following(3_600_000);
  await reloader.reload("signal");
  await writeFile(path, "second");
  await reloader.reload("signal");
  await writeFile(path, "bad");
  await reloader.reload("signal");
  await reloader.reload("signal");
  expect(lines.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
    "info: read again: secrets unchanged",
    "info: read again: secrets reloaded",
    "error: refused, and what was in use stays: it is bad",
    "info: read again: secrets refused",
    "error: refused, and what was in use stays: it is bad",
    "info: read again: secrets refused",
  ]);
  expect(taken).toEqual(["second"]);
});

it("by a signal, also says that there is nothing to read, and what else came of a reading", async () => {
  await new FileReloader({ runtime, groups: [] }).reload("signal");
  const groups = [
    { role: "tokens", files: ["/nowhere"], inUse: "", apply: () => "2 sessions ended" },
    { role: "TLS", files: ["/nowhere"], inUse: digestOfFiles(["/nowhere"]), apply: () => {} },
  ];
  await new FileReloader({ runtime, groups }).reload("signal");
  expect(lines.map(({ msg }) => msg)).toEqual([
    "read again: there are no such files",
    "read again: tokens reloaded (2 sessions ended); TLS unchanged",
  ]);
});

it("finds what changed between the first reading and the start", async () => {
  const { taken } = await following(3_600_000, (path) => writeFile(path, "changed meanwhile"));
  expect(taken).toEqual(["changed meanwhile"]);
  expect(lines.map(({ level, msg }) => `${level}: ${msg}`)).toEqual(["info: reloaded"]);
});

it("keeps what is in use when what came between cannot be used, and takes what comes next", async () => {
  const { path, reloader, taken } = await following(3_600_000, (each) => writeFile(each, "bad"));
  expect(taken).toEqual([]);
  expect(lines.map(({ level }) => level)).toEqual(["error"]);
  await writeFile(path, "good");
  await reloader.reload("change");
  expect(taken).toEqual(["good"]);
});

it("by a change, says a thing once", async () => {
  const { path, reloader } = await following(3_600_000);
  await reloader.reload("change");
  await writeFile(path, "bad");
  await reloader.reload("change");
  await reloader.reload("change");
  expect(lines).toHaveLength(1);
});

it("notices by itself a file that is replaced, and one whose link is swapped", async () => {
  const { path, taken, next } = await following(50);
  const replaced = next();
  await writeFile(join(directory, "new"), "second");
  await rename(join(directory, "new"), path);
  await replaced;
  const swapped = next();
  await writeFile(join(directory, "elsewhere"), "third");
  await symlink(join(directory, "elsewhere"), join(directory, "link"));
  await rename(join(directory, "link"), path);
  await swapped;
  const behindTheLink = next();
  await writeFile(join(directory, "elsewhere-2"), "fourth");
  await rename(join(directory, "elsewhere-2"), join(directory, "elsewhere"));
  await behindTheLink;
  expect(taken).toEqual(["second", "third", "fourth"]);
});
