import { HawserError } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import { checkAddressee } from "./self-login.js";
import type { SessionRegistry } from "./sessions/session-registry.js";

export interface RemoveAgentParts {
  readonly store: Pick<Store, "stats" | "remove">;
  readonly sessions: Pick<SessionRegistry, "presence" | "barred" | "releaseSeries">;
  readonly logger: Logger;
}

/**
 * Forgets an agent for good: its sessions end first, so that nothing is kept for it meanwhile.
 *
 * @param force also with events pending, which nobody will deliver then
 * @throws HawserError `not_found`; `conflict` when events are pending and it is not forced, or when handlers of its events do not end
 */
export async function removeAgent(
  agent: string,
  force: boolean,
  { store, sessions, logger }: RemoveAgentParts,
): Promise<void> {
  checkAddressee(agent);
  const stats = await store.stats(agent);
  if (stats === undefined && sessions.presence(agent) === undefined) {
    throw new HawserError("not_found", `there is no agent ${agent}`, { agent });
  }
  const pending = stats?.pending ?? 0;
  // Whoever may not be removed keeps its session.
  if (pending > 0 && !force) throw stillPending(agent, pending);
  await sessions.barred(agent, async () => {
    // Judged in the commit that removes: an event may have been accepted meanwhile.
    const removal = await store.remove(agent, { ifNothingPending: !force });
    if (removal === "pending") throw stillPending(agent, (await store.stats(agent))?.pending ?? 0);
  });
  await sessions.releaseSeries(agent);
  logger.info({ agent, pending, dead_letters: stats?.deadLetters ?? 0 }, "agent removed");
}

function stillPending(agent: string, pending: number): HawserError {
  const what = `${pending} events for agent ${agent} are pending, and would be given up`;
  return new HawserError("conflict", `${what}; wait until it has them, or force it`, { agent });
}
