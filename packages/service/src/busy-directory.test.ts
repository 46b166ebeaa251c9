import { readFileSync } from "node:fs";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { digestOfFiles, FileReloader, type DirectoryWatch } from "./file-reloader.js";
import { steppedRuntime } from "./testing/stepped-runtime.js";

const SETTLE_MS = 200;
const INTERVAL_MS = 5_000;

/** Says that something changed in the directory, when the test says so. */
let changed = (): void => {};
const watch: DirectoryWatch = (_directory, _options, callback) => {
  changed = callback;
  return { on: vi.fn(), close: () => {} };
};

let directory: string;
let path: string;
let taken: string[];
let reloader: FileReloader;
/** Holds what is made of the files back. */
let hold: Promise<void> | undefined;
let onTaken: () => void;
const time = steppedRuntime();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-busy-"));
  path = join(directory, "tokens");
  await writeFile(path, "first");
  taken = [];
  hold = undefined;
  onTaken = () => {};
  const apply = async (): Promise<void> => {
    taken.push(readFileSync(path, "utf8"));
    onTaken();
    await hold;
  };
  reloader = new FileReloader({
    runtime: time.runtime,
    intervalMs: INTERVAL_MS,
    watch,
    groups: [{ role: "tokens", files: [path], inUse: digestOfFiles([path]), apply }],
  });
  await reloader.start();
});

afterEach(async () => {
  reloader.stop();
  // Behind every look that is under way.
  await reloader.reload("change");
  await rm(directory, { recursive: true, force: true });
});

/** In one step: half of it is not there to be read. */
async function replace(content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

function nextTaken(): Promise<void> {
  return new Promise((resolve) => (onTaken = resolve));
}

/** Something changes in the directory every 100 ms. */
function busyFor(ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    changed();
    time.pass(100);
  }
}

it("reads a file in time though something changes in its directory all the time", async () => {
  await replace("second");
  let next = nextTaken();
  busyFor(SETTLE_MS);
  await next;
  busyFor(2 * INTERVAL_MS);
  await replace("third");
  next = nextTaken();
  busyFor(INTERVAL_MS);
  await next;
  expect(taken).toEqual(["second", "third"]);
});

it("looks again soon at what changed while it looked", async () => {
  let release = (): void => {};
  hold = new Promise((resolve) => (release = resolve));
  await replace("second");
  let next = nextTaken();
  changed();
  time.pass(SETTLE_MS);
  await next;
  await replace("third");
  changed();
  // By a signal, a look is queued behind that one: when it is through, so is that one.
  const looked = reloader.reload("signal");
  next = nextTaken();
  release();
  await looked;
  await next;
  await replace("fourth");
  next = nextTaken();
  time.pass(SETTLE_MS);
  await next;
  expect(taken).toEqual(["second", "third", "fourth"]);
});
