import { pause, systemClock, systemTimers } from "@hawser/runtime";
import { rssMbOf, timesOf, type ProcessTimes } from "./process-figures.js";
import type { TestFleet } from "./test-fleet.js";

const MEMORY_EVERY_MS = 100;

/** What tells whether the principal itself was slow, or the machine had no core for it. */
export interface Cost {
  readonly forMs: number;
  readonly times: ProcessTimes;
  /** How late its event loop came to what was due. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
}

/** What the principal costs from now until what this answers is called. */
export async function watchCost({ principal: { pid }, api }: TestFleet): Promise<() => Promise<Cost>> {
  const startedAtMs = systemClock.now();
  // Each answer begins the figures of the loop anew.
  await loopDelay(api);
  const before = await timesOf(pid);
  return async () => {
    const after = await timesOf(pid);
    const times = {
      cpuMs: after.cpuMs - before.cpuMs,
      mainMs: after.mainMs - before.mainMs,
      waitedMs: after.waitedMs - before.waitedMs,
    };
    return { forMs: systemClock.now() - startedAtMs, times, ...(await loopDelay(api)) };
  };
}

async function loopDelay(api: TestFleet["api"]): Promise<Pick<Cost, "loopP99Ms" | "loopMaxMs">> {
  const text = await api.metrics().catch(() => "");
  const ms = (name: string): number =>
    1_000 * Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)$`, "m").exec(text)?.[1]);
  return { loopP99Ms: ms("p99"), loopMaxMs: ms("max") };
}

/** The most memory that the principal has until `stop`, in MB. */
export function watchMemory({ principal }: TestFleet): { stop(): Promise<number> } {
  let peak = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver && principal.running) {
      peak = Math.max(peak, await rssMbOf(principal.pid).catch(() => 0));
      await pause(systemTimers, MEMORY_EVERY_MS);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      return peak;
    },
  };
}
