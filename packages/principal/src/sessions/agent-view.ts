import type { Clock } from "@hawser/runtime";
import type { MailboxStats } from "@hawser/store";
import type { AgentView } from "../views.js";
import type { AgentPresence } from "./agent-presence.js";

const NOT_SINCE_START = "has not connected since this principal started";
const NEVER = "has never connected";

/** One that has nothing here has no mailbox, but was seen; one that was not seen since the start may have opened its mailbox before. */
function hasConnected(stats: MailboxStats | undefined, presence: AgentPresence | undefined): boolean {
  return presence?.reason !== undefined || stats?.everOpened === true;
}

/** Why it is connected or not, as a sentence whose subject is the agent. */
export function reasonOf(stats: MailboxStats | undefined, presence: AgentPresence | undefined): string {
  return presence?.reason ?? (hasConnected(stats, presence) ? NOT_SINCE_START : NEVER);
}

/** What the store and this process know of one agent, put together. */
export function agentView(
  name: string,
  stats: MailboxStats | undefined,
  presence: AgentPresence | undefined,
  clock: Clock,
): AgentView {
  const live = presence?.live;
  return {
    name,
    state: live === undefined ? "disconnected" : "connected",
    reason: reasonOf(stats, presence),
    session:
      live === undefined
        ? undefined
        : {
            id: live.session.sessionId,
            epoch: live.session.epoch,
            transport: live.link.connection.transport,
            address: live.link.connection.peer.address,
            internal: live.link.connection.peer.internal === true,
            software: live.session.peerSoftware,
            connectedAt: live.connectedAt,
            ageMs: Math.round(clock.now() - live.openedAtMs),
            inFlight: live.link.inFlight,
          },
    lastSeenAt: presence?.lastSeenAt,
    lastAckAt: presence?.lastAckAt,
    pending: stats?.pending ?? 0,
    deadLetters: stats?.deadLetters ?? 0,
    mailboxBytes: stats?.bytes ?? 0,
    lastVersion: stats?.lastVersion ?? 0,
    everConnected: hasConnected(stats, presence),
  };
}
