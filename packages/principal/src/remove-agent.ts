import { HawserError } from "@hawser/protocol";
import type { Runtime } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import type { RemoveAgentOptions } from "./principal.js";
import type { Page } from "./all-of.js";
import { checkAddressee } from "./self-login.js";
import type { SessionRegistry } from "./sessions/session-registry.js";
import type { RemovedAgentView } from "./views.js";

export interface RemoveAgentParts {
  readonly store: Pick<Store, "stats" | "remove" | "tombstone" | "tombstones" | "readmit">;
  readonly sessions: Pick<SessionRegistry, "presence" | "barred" | "releaseSeries">;
  readonly runtime: Pick<Runtime, "clock" | "logger">;
}

/**
 * Forgets an agent for good: its sessions end first, so that nothing is kept for it meanwhile.
 *
 * @param force also with events pending, which nobody will deliver then
 * @param tombstone it is remembered that it was removed, so that it is refused when it comes back
 * @throws HawserError `not_found`; `conflict` when events are pending and it is not forced, or when handlers of its events do not end
 */
export async function removeAgent(
  agent: string,
  { force = false, tombstone = true }: Pick<RemoveAgentOptions, "force" | "tombstone">,
  { store, sessions, runtime: { clock, logger } }: RemoveAgentParts,
): Promise<void> {
  checkAddressee(agent);
  const stats = await store.stats(agent);
  if (stats === undefined && sessions.presence(agent) === undefined) {
    const buried = await store.tombstone(agent);
    const since = buried === undefined ? "" : `; it was removed at ${new Date(buried.at).toISOString()}`;
    throw new HawserError("not_found", `there is no agent ${agent}${since}`, { agent });
  }
  const pending = stats?.pending ?? 0;
  // Whoever may not be removed keeps its session.
  if (pending > 0 && !force) throw stillPending(agent, pending);
  await sessions.barred(agent, async () => {
    // Judged in the commit that removes: an event may have been accepted meanwhile.
    const removal = await store.remove(agent, {
      ifNothingPending: !force,
      ...(tombstone ? { tombstone: { at: clock.wallTime() } } : {}),
    });
    if (removal === "pending") throw stillPending(agent, (await store.stats(agent))?.pending ?? 0);
  });
  await sessions.releaseSeries(agent);
  logger.info({ agent, pending, dead_letters: stats?.deadLetters ?? 0, tombstone }, "agent removed");
}

/** Lets the name of a removed agent in again. @throws HawserError `not_found` where it has no tombstone */
export async function readmitAgent(
  agent: string,
  { store, runtime: { logger } }: Pick<RemoveAgentParts, "store" | "runtime">,
): Promise<void> {
  checkAddressee(agent);
  if (!(await store.readmit(agent)))
    throw new HawserError("not_found", `no agent ${agent} is known to have been removed`, { agent });
  logger.info({ agent }, "agent readmitted");
}

/** In order of name. */
export async function removedAgents(
  { after, limit }: Page,
  { store }: Pick<RemoveAgentParts, "store">,
): Promise<readonly RemovedAgentView[]> {
  const tombstones = await store.tombstones(after === undefined ? { limit } : { after, limit });
  return tombstones.map(({ peer, at }) => ({ name: peer, removedAt: at }));
}

function stillPending(agent: string, pending: number): HawserError {
  const what = `${pending} events for agent ${agent} are pending, and would be given up`;
  return new HawserError("conflict", `${what}; wait until it has them, or force it`, { agent });
}
