import { seededRandom, systemClock, systemRuntime } from "@hawser/runtime";
import { storeCompliance } from "../compliance.js";
import { createMemoryDisk } from "../disk/memory-disk.js";
import { createSharedMemoryEngine } from "./shared-memory-engine.js";

storeCompliance("one client of a shared memory engine", async (limits = {}, clock = systemClock) => {
  const disk = createMemoryDisk();
  const random = seededRandom(1);
  const runtime = { ...systemRuntime(), clock };
  const newEngine = () => createSharedMemoryEngine({ disk, limits, runtime });
  let engine = newEngine();
  const start = async () => {
    const started = engine.client("self");
    await started.store.start();
    return started;
  };
  let client = await start();
  return {
    get store() {
      return client.store;
    },
    async restart() {
      await client.store.stop();
      client = await start();
      return client.store;
    },
    async crash() {
      const [dead, former] = [client, engine];
      dead.kill();
      disk.crash(random);
      engine = newEngine();
      client = await start();
      await former.stop();
      await dead.store.stop();
      return client.store;
    },
    async dispose() {
      await client.store.stop();
      await engine.stop();
    },
  };
});
