import { createVirtualRuntime, type VirtualRuntime } from "@hawser/testkit";
import { sharedStoreCompliance, type ClientUnderTest, type MakeShared } from "../compliance.js";
import {
  createSharedMemoryEngine,
  type SharedMemoryEngine,
  type SharedMemoryOptions,
} from "./shared-memory-engine.js";

/** Longer than any test takes, in virtual time. */
const FOREVER_MS = 3_600_000;

async function runIn<T>(world: VirtualRuntime, body: () => Promise<T>): Promise<T> {
  let isOver = false;
  const running = body().finally(() => (isOver = true));
  const over = world.runUntil(() => isOver, { timeoutMs: FOREVER_MS });
  const [result, ended] = await Promise.allSettled([running, over]);
  if (ended.status === "rejected") throw ended.reason;
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

async function clientOf(engine: SharedMemoryEngine, name: string): Promise<ClientUnderTest> {
  let client = engine.client(name);
  await client.store.start();
  return {
    get store() {
      return client.store;
    },
    partition: () => client.partition(),
    async restart() {
      client.kill();
      client = engine.client(name);
      await client.store.start();
      return client.store;
    },
  };
}

function makeWith(seed: number, network: SharedMemoryOptions): MakeShared {
  return async ({ limits = {}, notifications = "all" }) => {
    const world = createVirtualRuntime({ seed });
    const lostShare = notifications === "none" ? 1 : 0;
    const engine = createSharedMemoryEngine({ ...network, limits, lostShare, runtime: world.runtime });
    const [a, b, c] = await runIn(world, () =>
      Promise.all([clientOf(engine, "a"), clientOf(engine, "b"), clientOf(engine, "c")]),
    );
    return {
      clients: [a, b, c],
      timers: world.runtime.timers,
      graceMs: 10_000,
      run: (test) => runIn(world, test),
      dispose: () => runIn(world, () => engine.stop()),
    };
  };
}

const LATENCY = { latencyMs: { min: 1, max: 6 } };

sharedStoreCompliance("shared memory", makeWith(1, LATENCY));
sharedStoreCompliance("shared memory without latency", makeWith(2, {}));
sharedStoreCompliance("shared memory that tells positions", makeWith(3, { ...LATENCY, positionShare: 1 }));
sharedStoreCompliance("shared memory that tells either", makeWith(4, { ...LATENCY, positionShare: 0.5 }));
