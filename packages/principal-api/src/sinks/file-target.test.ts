import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRuntime } from "@hawser/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordedEvent } from "../event-log/recorded-event.js";
import { createFileTarget } from "./file-target.js";
import type { FileTarget } from "./sink-definition.js";
import type { SinkTarget } from "./sink-target.js";
import { testEvent } from "./sink-event.js";

const SETTINGS: FileTarget = { kind: "file", maxBytes: 1_000_000, maxFiles: 3 };
const NEVER = new AbortController().signal;

let directory: string;
let path: string;
const targets: SinkTarget[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hawser-sink-"));
  path = join(directory, "sinks", "audit.jsonl");
});
afterEach(async () => {
  for (const target of targets.splice(0)) await target.close();
  await rm(directory, { recursive: true });
});

function open(settings: Partial<FileTarget> = {}): SinkTarget {
  const target = createFileTarget(path, { ...SETTINGS, ...settings });
  targets.push(target);
  return target;
}

function event(position: number, data = ""): RecordedEvent {
  const made = testEvent(systemRuntime());
  return { ...made, position, event: { ...made.event, data } };
}

async function positions(file = path): Promise<readonly number[]> {
  const lines = (await readFile(file, "utf8")).split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => Number((JSON.parse(line) as { hawserposition: string }).hawserposition));
}

describe("a file", () => {
  it("gets a line for each event, and only its owner may read it", async () => {
    const target = open();
    expect(await target.deliver([event(1, "a\nb"), event(2)], NEVER)).toEqual({ kind: "delivered" });
    await target.deliver([event(3)], NEVER);
    expect(await positions()).toEqual([1, 2, 3]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "sinks"))).mode & 0o777).toBe(0o700);
  });

  it("goes on behind what is there, without a line that was left unfinished", async () => {
    await open().deliver([event(1), event(2)], NEVER);
    await appendFile(path, `{"half": "${"x".repeat(200_000)}`);
    await open().deliver([event(3)], NEVER);
    expect(await positions()).toEqual([1, 2, 3]);
    await writeFile(path, "no line at all");
    await open().deliver([event(4)], NEVER);
    expect(await positions()).toEqual([4]);
  });

  it("rotates at its size, and keeps so many", async () => {
    const target = open();
    for (let position = 1; position <= 9; position += 1)
      await target.deliver([event(position, "x".repeat(600_000))], NEVER);
    expect((await readdir(join(directory, "sinks"))).toSorted()).toEqual([
      "audit.jsonl",
      "audit.jsonl.1",
      "audit.jsonl.2",
    ]);
    expect(await positions(`${path}.2`)).toEqual([5, 6]);
    expect(await positions(`${path}.1`)).toEqual([7, 8]);
    expect(await positions()).toEqual([9]);
  });

  it("begins anew where one file is all that is kept", async () => {
    const target = open({ maxFiles: 1 });
    for (let position = 1; position <= 3; position += 1)
      await target.deliver([event(position, "x".repeat(600_000))], NEVER);
    expect(await readdir(join(directory, "sinks"))).toEqual(["audit.jsonl"]);
    expect(await positions()).toEqual([3]);
  });

  it("says what is wrong where it cannot be written, and goes on once it can", async () => {
    await writeFile(join(directory, "sinks"), "in the way");
    const target = open();
    expect(await target.deliver([event(1)], NEVER)).toMatchObject({
      kind: "failed",
      isOfEvent: false,
      message: expect.stringContaining(path),
    });
    await rm(join(directory, "sinks"));
    expect(await target.deliver([event(1)], NEVER)).toEqual({ kind: "delivered" });
    expect(await positions()).toEqual([1]);
  });
});
