import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeCompliance } from "@hawser/store/compliance";
import { createLevelStore } from "./level-store.js";

storeCompliance("level", async (limits = {}) => {
  const root = await mkdtemp(join(tmpdir(), "hawser-store-"));
  let generation = 0;
  const start = async () => {
    const started = createLevelStore({ directory: join(root, String(generation)), limits });
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
      await cp(from, join(root, String(++generation)), { recursive: true });
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
