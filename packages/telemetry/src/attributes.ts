import type { Attributes } from "@opentelemetry/api";
import type { EventDraft } from "@hawser/protocol";

/**
 * Names of the attributes. Those of the semantic conventions are written out, as OpenTelemetry asks of libraries while they are in development: importing them would tie us to
 * one version of a package that may rename them. A test holds them against it.
 */
export const ATTRIBUTES = {
  errorType: "error.type",
  system: "messaging.system",
  operationName: "messaging.operation.name",
  operationType: "messaging.operation.type",
  destinationName: "messaging.destination.name",
  destinationTemplate: "messaging.destination.template",
  clientId: "messaging.client.id",
  messageId: "messaging.message.id",
  eventId: "cloudevents.event_id",
  eventSource: "cloudevents.event_source",
  eventSpecVersion: "cloudevents.event_spec_version",
  eventSubject: "cloudevents.event_subject",
  eventType: "cloudevents.event_type",
  /** Our own, in the namespace the conventions keep for them. */
  agent: "messaging.hawser.agent",
  resourceId: "messaging.hawser.message.resourceid",
  version: "messaging.hawser.message.eventid",
  attempt: "messaging.hawser.message.delivery_attempt",
  duplicate: "messaging.hawser.message.duplicate",
  outcome: "messaging.hawser.outcome",
  drainShape: "hawser.drain.shape",
  drainReason: "hawser.drain.reason",
} as const;

/** Which mailbox: that of one agent at the principal, or the one for the principal at an agent. */
export type Direction = "down" | "up";

/** Agents come in thousands, and names of spans should not. */
const AGENTS = "agents/{agent}";
const PRINCIPAL = "principal";

/** One kind of operation on the mailboxes between the principal and its agents. */
export interface Operation {
  readonly name: string;
  readonly type: "send" | "process";
  readonly direction: Direction;
  /** It happens at the agent. */
  readonly atAgent: boolean;
}

/** What a span is called: the operation, and the mailbox without the agent's name. */
export function spanName({ name, direction }: Operation): string {
  return `${name} ${direction === "down" ? AGENTS : PRINCIPAL}`;
}

/** The attributes of an operation for one agent. What is the same for all agents is put together once: two spans for each event are made on the way of the event. */
export function operationAttributes({
  name,
  type,
  direction,
  atAgent,
}: Operation): (agent: string) => Attributes {
  const same: Attributes = {
    [ATTRIBUTES.system]: "hawser",
    [ATTRIBUTES.operationName]: name,
    [ATTRIBUTES.operationType]: type,
    [ATTRIBUTES.destinationName]: PRINCIPAL,
    ...(direction === "down" ? { [ATTRIBUTES.destinationTemplate]: AGENTS } : {}),
  };
  return (agent) => {
    const attributes = { ...same };
    if (direction === "down") attributes[ATTRIBUTES.destinationName] = `agents/${agent}`;
    if (atAgent) attributes[ATTRIBUTES.clientId] = agent;
    attributes[ATTRIBUTES.agent] = agent;
    return attributes;
  };
}

/** Adds those of an event. */
export function addEvent(
  attributes: Attributes,
  { id, source, type, subject, resourceid, eventid }: EventDraft,
): Attributes {
  attributes[ATTRIBUTES.messageId] = id;
  attributes[ATTRIBUTES.eventId] = id;
  attributes[ATTRIBUTES.eventSource] = source;
  attributes[ATTRIBUTES.eventSpecVersion] = "1.0";
  attributes[ATTRIBUTES.eventType] = type;
  if (subject !== undefined) attributes[ATTRIBUTES.eventSubject] = subject;
  attributes[ATTRIBUTES.resourceId] = resourceid;
  if (typeof eventid === "string") attributes[ATTRIBUTES.version] = eventid;
  return attributes;
}
