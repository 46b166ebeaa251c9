import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeStateDirectory, networkProblems, stateDirectoryProblems } from "./state-directory.js";

let parent: string;
let directory: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "hawser-state-"));
  directory = join(parent, "deep/state");
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

it("makes a directory that only its owner can enter, and finds nothing wrong with it", () => {
  makeStateDirectory(directory);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(stateDirectoryProblems(directory)).toEqual([]);
});

it("leaves the mode of one that is there, and says who can read it", () => {
  makeStateDirectory(directory);
  chmodSync(directory, 0o750);
  makeStateDirectory(directory);
  expect(stateDirectoryProblems(directory)).toEqual([
    {
      kind: "open to others",
      detail: expect.stringContaining(`${directory} has mode 0750`),
      fix: `chmod -R go-rwx ${directory}`,
    },
  ]);
});

it.skipIf(process.platform !== "linux")("says that a directory is on another machine's file system", () => {
  const NFS = 0x6969;
  const EXT4 = 0xef53;
  expect(networkProblems("/mnt/state", NFS)).toEqual([
    expect.objectContaining({ kind: "network file system", detail: expect.stringContaining("is on NFS") }),
  ]);
  expect(networkProblems("/var/lib/state", EXT4)).toEqual([]);
});

it("says nothing of one that is not there", () => {
  expect(stateDirectoryProblems(directory)).toEqual([]);
});
