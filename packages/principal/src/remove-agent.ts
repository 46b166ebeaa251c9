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
 * @throws HawserError `not_found`; `conflict` when events are pending and it is not forced
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
  if (pending > 0 && !force) {
    const what = `${pending} events for agent ${agent} are pending, and would be given up`;
    throw new HawserError("conflict", `${what}; wait until it has them, or force it`, { agent });
  }
  await sessions.barred(agent, () => store.remove(agent));
  await sessions.releaseSeries(agent);
  logger.info({ agent, pending, dead_letters: stats?.deadLetters ?? 0 }, "agent removed");
}
