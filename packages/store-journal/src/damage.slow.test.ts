import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HawserError } from "@hawser/protocol";
import { changedRows, type Changes, type OpenDisk } from "@hawser/store";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createJournalDisk } from "./journal-disk.js";
import { findRecord } from "./record.js";
import { SEGMENT_HEADER_BYTES } from "./segment-files.js";

const EVENTS = 4;
const SEGMENT = join("journal", "0000000001.seg");

const event = (version: number): Changes => ({
  rows: new Map([[`m${version}`, `row ${version}`]]),
  entries: new Map([["a", new Map([[version, `event ${version}`]])]]),
});

/** What a disk holds, or the code of the error that says that it is damaged. */
async function contentsOf(directory: string): Promise<readonly string[] | "store_corrupt"> {
  let disk: OpenDisk | undefined;
  try {
    disk = await createJournalDisk(directory).open();
    const entries = await disk.rangeEntries({ peer: "a", after: 0, limit: 100 });
    const rows = await disk.range({ from: "m", before: "n", limit: 100 });
    return [...entries.map(({ text }) => text), ...rows.map(([, value]) => value)];
  } catch (thrown) {
    if (thrown instanceof HawserError && thrown.code === "store_corrupt") return "store_corrupt";
    throw thrown;
  } finally {
    await disk?.close();
  }
}

const whole = (events: number): readonly string[] => {
  const versions = Array.from({ length: events }, (_, index) => index + 1);
  return [...versions.map((version) => `event ${version}`), ...versions.map((version) => `row ${version}`)];
};

/** A store that was killed and one that was closed. */
let killed: string;
let closed: string;

beforeAll(async () => {
  const root = await mkdtemp(join(tmpdir(), "hawser-damage-"));
  killed = join(root, "killed");
  closed = join(root, "closed");
  const disk = await createJournalDisk(closed).open();
  for (let version = 1; version <= EVENTS; version++) await disk.write(event(version), true);
  await cp(closed, killed, { recursive: true });
  await disk.close();
  return () => rm(root, { recursive: true, force: true });
});

/** A copy to damage. */
async function copyOf(directory: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "hawser-damaged-"));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  await cp(directory, copy, { recursive: true });
  return copy;
}

/** What is left for each byte that is flipped, by its place. */
async function flipEach(directory: string): Promise<readonly (readonly string[] | "store_corrupt")[]> {
  const bytes = await readFile(join(directory, SEGMENT));
  const left: (readonly string[] | "store_corrupt")[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const copy = await copyOf(directory);
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x04;
    await writeFile(join(copy, SEGMENT), damaged);
    left.push(await contentsOf(copy));
    await rm(copy, { recursive: true, force: true });
  }
  return left;
}

/** Where each record begins. */
function recordsIn(bytes: Buffer): readonly number[] {
  const starts: number[] = [];
  for (let at = SEGMENT_HEADER_BYTES; at < bytes.length; ) {
    starts.push(at);
    at += findRecord(bytes, at, 1)?.length ?? Number.POSITIVE_INFINITY;
  }
  return starts;
}

describe("damage", () => {
  it("of any byte of a store that was killed is named; only a torn last record is what was never confirmed", async () => {
    const last = recordsIn(await readFile(join(killed, SEGMENT))).at(-1) ?? 0;
    const left = await flipEach(killed);
    left.forEach((found, at) =>
      expect(found, `byte ${at}`).toEqual(at < last ? "store_corrupt" : whole(EVENTS - 1)),
    );
  });

  it("of any byte of a store that was closed loses nothing, or is named when it is read", async () => {
    const left = await flipEach(closed);
    const lossless = left.filter((found) => found !== "store_corrupt");
    for (const found of lossless) expect(found).toEqual(whole(EVENTS));
    // The texts and what is said of them lie there, so some must have been noticed.
    expect(lossless.length).toBeLessThan(left.length);
  });

  it("is noticed where a segment is shorter, empty or gone", async () => {
    for (const directory of [closed, killed]) {
      const { length } = await readFile(join(directory, SEGMENT));
      for (const size of directory === closed ? [0, 7, 20, length - 1] : [0, 7]) {
        const copy = await copyOf(directory);
        await truncate(join(copy, SEGMENT), size);
        expect(await contentsOf(copy), `${directory} ${size}`).toBe("store_corrupt");
      }
    }
    const copy = await copyOf(closed);
    await rm(join(copy, SEGMENT));
    expect(await contentsOf(copy)).toBe("store_corrupt");
  });

  it("in the middle of the journal is not taken for its end", async () => {
    const directory = await copyOf(killed);
    const path = join(directory, SEGMENT);
    const bytes = await readFile(path);
    const second = recordsIn(bytes)[1] ?? 0;
    // As if a write had never reached the disk although one behind it did.
    bytes.fill(0, second, recordsIn(bytes)[2] ?? 0);
    await writeFile(path, bytes);
    await expect(createJournalDisk(directory).open()).rejects.toMatchObject({
      code: "store_corrupt",
      message: expect.stringMatching(/0000000001\.seg holds a record that is damaged \(at byte \d+\)/),
    });
  });
});

it("what was written without sync survives the process, and goes along with the next sync", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hawser-journal-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const disk = await createJournalDisk(join(directory, "0")).open();
  for (let count = 1; count <= 3; count++) {
    await disk.write(changedRows(new Map([[`m${count}`, `row ${count}`]])), false);
    await cp(join(directory, "0"), join(directory, String(count)), { recursive: true });
    expect(await contentsOf(join(directory, String(count)))).toHaveLength(count);
  }
  await disk.write(event(4), true);
  await cp(join(directory, "0"), join(directory, "4"), { recursive: true });
  expect(await contentsOf(join(directory, "4"))).toEqual(["event 4", "row 1", "row 2", "row 3", "row 4"]);
  await disk.close();
});
