import { HawserError, subjectOf } from "@hawser/protocol";
import type { Logger } from "@hawser/runtime";
import type { Store } from "@hawser/store";
import type { PurgePendingOptions } from "./principal.js";
import type { PurgeReport } from "./views.js";
import type { PrincipalObserver } from "./principal-observer.js";
import { checkAddressee } from "./self-login.js";
import type { SessionRegistry } from "./sessions/session-registry.js";

export interface PurgeParts {
  readonly store: Pick<Store, "stats" | "purge">;
  readonly sessions: Pick<SessionRegistry, "presence" | "releaseSeries">;
  readonly observer: PrincipalObserver;
  readonly logger: Logger;
}

/**
 * Throws away what is pending for an agent, all of it or what is about one resource.
 *
 * @throws HawserError `not_found` for an agent that is not known; `invalid_event` for a kind or name that is none
 */
export async function purgePending(
  agent: string,
  { resource }: Pick<PurgePendingOptions, "resource">,
  { store, sessions, observer, logger }: PurgeParts,
): Promise<PurgeReport> {
  checkAddressee(agent);
  const subject = resource === undefined ? undefined : subjectOf(resource.kind, resource.name);
  if ((await store.stats(agent)) === undefined && sessions.presence(agent) === undefined)
    throw new HawserError("not_found", `there is no agent ${agent}`, { agent });
  const report = await store.purge(agent, subject === undefined ? {} : { subject });
  const { purged, inFlight, left } = report;
  logger.info({ agent, subject, purged, in_flight: inFlight, left }, "pending events purged");
  if (purged > 0) observer.purged?.(agent, report);
  await sessions.releaseSeries(agent);
  return report;
}
