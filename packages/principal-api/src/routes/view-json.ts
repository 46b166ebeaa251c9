import type { AgentView, DeadLetterView, RemovedAgentView, ResourceView, WaitView } from "@hawser/principal";
import type { SinkDeadLetterView, SinkView } from "../sinks/sink-view.js";

/** Times are RFC 3339 in UTC; what is unknown is left out. */
function time(unixMs: number | undefined): string | undefined {
  return unixMs === undefined ? undefined : new Date(unixMs).toISOString();
}

/** A view as the API answers it: the same names, with times as text. */
export function agentJson(view: AgentView): Record<string, unknown> {
  const { session } = view;
  return {
    ...view,
    session: session && { ...session, connectedAt: time(session.connectedAt) },
    lastSeenAt: time(view.lastSeenAt),
    lastAckAt: time(view.lastAckAt),
  };
}

export function resourceJson(view: ResourceView): Record<string, unknown> {
  const { waiting, updatedAt, statusAt } = view;
  return {
    ...view,
    waiting: waiting && waitJson(waiting),
    updatedAt: time(updatedAt),
    statusAt: time(statusAt),
  };
}

function waitJson(view: WaitView): Record<string, unknown> {
  const since = "since" in view ? time(view.since) : undefined;
  const nextTryAt = "nextTryAt" in view ? time(view.nextTryAt) : undefined;
  return { ...view, since, nextTryAt };
}

export function deadLetterJson(view: DeadLetterView): Record<string, unknown> {
  return { ...view, at: time(view.at) };
}

export function removedAgentJson({ name, removedAt }: RemovedAgentView): Record<string, unknown> {
  return { name, removedAt: time(removedAt) };
}

export function sinkJson(view: SinkView): Record<string, unknown> {
  const { failure } = view;
  return {
    ...view,
    position: String(view.position),
    oldestAt: time(view.oldestAt),
    lastDeliveredAt: time(view.lastDeliveredAt),
    failure: failure && { ...failure, at: time(failure.at), nextTryAt: time(failure.nextTryAt) },
  };
}

export function sinkDeadLetterJson(view: SinkDeadLetterView): Record<string, unknown> {
  return { ...view, position: String(view.position), at: time(view.at) };
}
