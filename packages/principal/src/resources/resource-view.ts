import { eventClass, formatSettled, parseSpecData, parseStatusData, type JsonValue } from "@hawser/protocol";
import type { RetainedState } from "@hawser/store";
import type { ResourceView, WaitView } from "../views.js";

/** Puts together what was sent and what came back about one subject. */
export function resourceView(
  agent: string,
  sent: RetainedState,
  received: RetainedState | undefined,
  waiting: WaitView | undefined,
): ResourceView {
  const { kind, name } = splitSubject(sent.subject);
  const deleting = eventClass(sent.event.type) === "delete";
  const status = received?.event.resourceid === sent.event.resourceid ? received : undefined;
  const report = status === undefined ? undefined : parseStatusData(status.event);
  return {
    agent,
    kind,
    name,
    uid: sent.event.resourceid.slice(sent.event.resourceid.lastIndexOf("_") + 1),
    state: deleting ? "deleting" : deliveryState(sent),
    waiting,
    version: formatSettled(sent.version),
    spec: deleting ? null : specOf(sent),
    status: report?.status,
    observedVersion: report?.observed,
    updatedAt: unixMs(sent.event.time),
    statusAt: unixMs(status?.event.time),
  };
}

function deliveryState({ pending, refusal }: RetainedState): ResourceView["state"] {
  if (pending) return "pending";
  if (refusal === undefined) return "delivered";
  return refusal === "purged" ? "purged" : "refused";
}

export function specOf(sent: RetainedState): JsonValue {
  return parseSpecData(sent.event).spec;
}

function splitSubject(subject: string): { kind: string; name: string } {
  const slash = subject.indexOf("/");
  return { kind: subject.slice(0, slash), name: subject.slice(slash + 1) };
}

function unixMs(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) ? undefined : parsed;
}
