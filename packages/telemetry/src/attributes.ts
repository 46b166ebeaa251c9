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

/** What a span is called: the operation, and the mailbox without the agent's name. */
export function spanName(operation: string, direction: Direction): string {
  return `${operation} ${direction === "down" ? AGENTS : PRINCIPAL}`;
}

/** One operation on the mailbox between the principal and one agent. */
export interface Operation {
  readonly name: string;
  readonly type: "send" | "process";
  readonly direction: Direction;
  readonly agent: string;
  /** It happens at the agent. */
  readonly atAgent: boolean;
}

export function operationAttributes({ name, type, direction, agent, atAgent }: Operation): Attributes {
  return {
    [ATTRIBUTES.system]: "hawser",
    [ATTRIBUTES.operationName]: name,
    [ATTRIBUTES.operationType]: type,
    ...(direction === "down"
      ? {
          [ATTRIBUTES.destinationName]: `agents/${agent}`,
          [ATTRIBUTES.destinationTemplate]: AGENTS,
        }
      : { [ATTRIBUTES.destinationName]: PRINCIPAL }),
    ...(atAgent ? { [ATTRIBUTES.clientId]: agent } : {}),
    [ATTRIBUTES.agent]: agent,
  };
}

export function eventAttributes({ id, source, type, subject, resourceid, eventid }: EventDraft): Attributes {
  return {
    [ATTRIBUTES.messageId]: id,
    [ATTRIBUTES.eventId]: id,
    [ATTRIBUTES.eventSource]: source,
    [ATTRIBUTES.eventSpecVersion]: "1.0",
    [ATTRIBUTES.eventType]: type,
    ...(subject === undefined ? {} : { [ATTRIBUTES.eventSubject]: subject }),
    [ATTRIBUTES.resourceId]: resourceid,
    ...(typeof eventid === "string" ? { [ATTRIBUTES.version]: eventid } : {}),
  };
}
