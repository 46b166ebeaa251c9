import { pause, systemTimers } from "@hawser/runtime";
import type { Memory } from "./child-commands.js";

const MIB = 1_048_576;

/** Resident memory of this process, as it is and with the garbage gone. */
export async function readMemory(): Promise<Memory> {
  const rssMb = process.memoryUsage.rss() / MIB;
  // The allocator gives pages back a moment after the collector freed them.
  await globalThis.gc?.({ type: "major", execution: "async" });
  await pause(systemTimers, 200);
  return { rssMb, rssAfterGcMb: process.memoryUsage.rss() / MIB };
}
