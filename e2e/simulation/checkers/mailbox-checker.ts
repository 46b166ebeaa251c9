import type { Store } from "@hawser/store";
import { NAMES } from "../publisher.js";
import type { World } from "../world.js";

/**
 * A mailbox never holds more than its caps, dead letters included. Only what a peer that lost its store has to hear again may go beyond.
 *
 * @param hasForgotten the peer lost its store: the last state of each resource may be pending again
 */
export async function checkMailbox(
  world: World,
  store: Store,
  peer: string,
  hasForgotten: boolean,
): Promise<void> {
  const stats = await store.stats(peer);
  if (stats === undefined) return;
  const { maxEntries, maxBytes } = world.plan.limits;
  const { pending, deadLetters, bytes } = stats;
  if (pending < 0 || deadLetters < 0 || bytes < 0)
    world.findings.violation("counters count", `${peer}: ${JSON.stringify(stats)}`);
  const again = hasForgotten ? NAMES.length : 0;
  if (pending + deadLetters <= maxEntries + again && bytes <= maxBytes) return;
  world.findings.violation("mailbox caps hold", `${peer}: ${JSON.stringify(stats)}`);
}
