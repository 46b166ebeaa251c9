import type { Principal } from "@hawser/principal";
import { systemClock } from "@hawser/runtime";
import type { Backlog } from "./child-commands.js";
import { EventSource } from "./payload.js";

/** Publications under way at a time: enough for full commits. */
const CONCURRENCY = 2_048;
const RESOURCES_PER_AGENT = 64;

/** Publishes `events` in all, evenly for agents that are away and stay so. */
export async function fillMailboxes(
  principal: Principal,
  { agents, events }: Backlog,
): Promise<{ readonly seconds: number }> {
  const from = systemClock.now();
  const source = new EventSource(RESOURCES_PER_AGENT);
  let next = 0;
  const publishUntilDone = async (): Promise<void> => {
    while (next < events) {
      const agent = next % agents;
      next += 1;
      await principal.publish(`absent-${agent}`, source.next());
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, publishUntilDone));
  return { seconds: (systemClock.now() - from) / 1_000 };
}
