import { CONTROL_TYPE_PREFIX, type ControlMessage, type EventKey } from "./control.js";
import { HawserError } from "./errors.js";
import {
  eventClass,
  OUTPUT_REQUEST_TYPE,
  RESERVED_TYPE_PREFIX,
  type CloudEvent,
  type HawserEvent,
} from "./event.js";
import { LIMITS } from "./limits.js";
import { parseControl } from "./parse-control.js";
import { parseResourceId, parseSubject } from "./resource-id.js";
import { quote } from "./text.js";
import { eventIdRule, versionOf } from "./version.js";

/** A CloudEvent of a stream: an event with its version, or a control message. */
export type Message =
  | { readonly kind: "event"; readonly event: HawserEvent; readonly version: number }
  | { readonly kind: "control"; readonly message: ControlMessage };

/**
 * Distinguishes events and control messages, and checks both (PROTOCOL.md, Events and Control
 * messages).
 *
 * An error with a key (`nackKey`) is about one event: answer it with a permanent NACK. After any
 * other error, close the connection with `closeCodeFor(error.code)`.
 * @throws HawserError `missing_resourceid`, `invalid_eventid`, `invalid_event`, `unknown_type`,
 *   `invalid_message`, `invalid_agent_name` or `unsupported_version`
 */
export function parseMessage(event: CloudEvent): Message {
  const { type } = event;
  if (type.startsWith(CONTROL_TYPE_PREFIX)) return { kind: "control", message: parseControl(event) };
  checkKey(event);
  try {
    checkEvent(event);
  } catch (thrown) {
    const { code, message } = HawserError.from(thrown);
    throw new HawserError(code, message, { resource_id: event.resourceid, event_id: event.eventid });
  }
  return { kind: "event", event, version: Number(event.eventid) };
}

/** The event to NACK permanently; undefined when the connection must close. */
export function nackKey({ resource_id, event_id }: HawserError): EventKey | undefined {
  if (resource_id === undefined || event_id === undefined) return undefined;
  return { resourceid: resource_id, eventid: event_id };
}

/** @throws HawserError `missing_resourceid` or `invalid_eventid`: no answer could name the event */
export function checkKey(event: CloudEvent): asserts event is HawserEvent {
  const { resourceid, eventid } = event;
  if (typeof resourceid !== "string" || resourceid === "" || resourceid.length > LIMITS.maxResourceIdLength) {
    throw new HawserError(
      "missing_resourceid",
      `an event needs the attribute resourceid, a string of 1 to ${LIMITS.maxResourceIdLength} characters`,
    );
  }
  if (versionOf(eventid) !== undefined) return;
  throw new HawserError("invalid_eventid", eventIdRule(eventid), { resource_id: resourceid });
}

/**
 * Checks an event with or without a version: a type that is known or a publisher's own, a
 * `resourceid` `<name>_<uid>`, and for a state event a `subject` `<kind>/<name>` with the same
 * name.
 */
export function checkEvent({
  type,
  resourceid,
  subject,
}: CloudEvent & { readonly resourceid: string }): void {
  const { name } = parseResourceId(resourceid);
  if (eventClass(type) === "command") {
    if (!type.startsWith(RESERVED_TYPE_PREFIX) || type === OUTPUT_REQUEST_TYPE) return;
    throw new HawserError(
      "unknown_type",
      `type ${quote(type)} is not defined; the prefix ${RESERVED_TYPE_PREFIX} is reserved for this protocol`,
    );
  }
  if (subject === undefined)
    throw new HawserError("invalid_event", "a state event needs a subject, <kind>/<name>");
  if (parseSubject(subject).name !== name) {
    throw new HawserError(
      "invalid_event",
      `subject ${quote(subject)} and resourceid ${quote(resourceid)} name different resources`,
    );
  }
}
