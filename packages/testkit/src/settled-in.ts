import type { VirtualRuntime } from "./virtual-runtime.js";

/** Lets virtual time pass until the work is through, because reading and writing take turns. */
export async function settledIn<T>(world: VirtualRuntime, work: Promise<T>, timeoutMs = 60_000): Promise<T> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  work.then(over, over);
  await world.runUntil(() => isOver, { timeoutMs });
  return work;
}
