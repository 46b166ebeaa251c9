import { seededRandom, systemClock, systemRuntime } from "@hawser/runtime";
import { createMemoryDisk } from "./disk/memory-disk.js";
import { createMemoryStore } from "./memory-store.js";
import { storeCompliance } from "./compliance.js";

storeCompliance("memory", async (limits = {}, clock = systemClock) => {
  const disk = createMemoryDisk();
  const random = seededRandom(1);
  const start = async () => {
    const started = createMemoryStore({ disk, limits, runtime: { ...systemRuntime(), clock } });
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
      const dead = store;
      disk.crash(random);
      store = await start();
      await dead.stop();
      return store;
    },
    dispose: () => store.stop(),
  };
});
