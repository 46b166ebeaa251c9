import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, systemRuntime } from "@hawser/runtime";
import { storeCompliance } from "@hawser/store/compliance";
import { createJournalStore } from "./journal-store.js";

/**
 * Copies the files of a store that is open. A compaction may replace tables while they are copied, which a killed process cannot see half of: a copy counts only if the
 * same files were there before and after it.
 */
async function copyAsOfOneMoment(from: string, to: string): Promise<void> {
  for (;;) {
    const before = await readdir(from);
    const gone = await cp(from, to, { recursive: true }).then(
      () => false,
      (thrown: NodeJS.ErrnoException) => {
        if (thrown.code !== "ENOENT") throw thrown;
        return true;
      },
    );
    const after = await readdir(from);
    if (!gone && before.join() === after.join()) return;
    await rm(to, { recursive: true, force: true });
  }
}

storeCompliance("level", async (limits = {}, clock = systemClock) => {
  const root = await mkdtemp(join(tmpdir(), "hawser-store-"));
  let generation = 0;
  const start = async () => {
    const runtime = { ...systemRuntime(), clock };
    const started = createJournalStore({ directory: join(root, String(generation)), limits, runtime });
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
});
