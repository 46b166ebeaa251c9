import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRuntime } from "@hawser/runtime";
import { createDiskStore } from "@hawser/store";
import { storeCompliance, type MakeStore } from "@hawser/store/compliance";
import { createJournalDisk, DEFAULT_SEGMENT_BYTES } from "./journal-disk.js";

/** So small that a commit or two fill one: each test goes through checkpoints, removals and moves. */
const SMALL_SEGMENT_BYTES = 4_096;

/**
 * Copies the files of a store that is open, rows before the journal: as of one moment, a checkpoint is no newer than the journal. Files may be replaced while they are
 * copied, which a killed process cannot see half of: a copy counts only if the same files were there before and after it.
 */
async function copyAsOfOneMoment(from: string, to: string): Promise<void> {
  for (;;) {
    const before = await readdir(from, { recursive: true });
    const gone = await copyParts(from, to);
    const after = await readdir(from, { recursive: true });
    if (!gone && before.toSorted().join() === after.toSorted().join()) return;
    await rm(to, { recursive: true, force: true });
  }
}

/** True when a file was gone before it could be copied. */
async function copyParts(from: string, to: string): Promise<boolean> {
  try {
    for (const part of ["rows", "journal"]) await cp(join(from, part), join(to, part), { recursive: true });
    return false;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return true;
    throw thrown;
  }
}

function makeStore(segmentBytes: number): MakeStore {
  return async (limits = {}, clock = systemClock) => {
    const root = await mkdtemp(join(tmpdir(), "hawser-store-"));
    let generation = 0;
    const start = async () => {
      const runtime = { ...systemRuntime(), clock };
      const disk = createJournalDisk(join(root, String(generation)), segmentBytes);
      const started = createDiskStore(disk, { limits, runtime });
      await started.start();
      return started;
    };
    let store = await start();
    return {
      get store() {
        return store;
      },
      async restart() {
        await store.stop();
        return (store = await start());
      },
      async crash() {
        // What the files hold at this moment is what a killed process would leave behind.
        const dead = store;
        const from = join(root, String(generation));
        await copyAsOfOneMoment(from, join(root, String(++generation)));
        store = await start();
        await dead.stop();
        return store;
      },
      async dispose() {
        await store.stop();
        await rm(root, { recursive: true, force: true });
      },
    };
  };
}

storeCompliance("journal", makeStore(DEFAULT_SEGMENT_BYTES));
storeCompliance("journal of small segments", makeStore(SMALL_SEGMENT_BYTES));
