import { CONTROL_TYPE_PREFIX } from "./control.js";
import { HawserError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { versionOf } from "./version.js";

/** The names an answer needs for an event that cannot be decoded. */
export interface EventNames {
  readonly type?: unknown;
  readonly resourceid?: unknown;
  readonly eventid?: unknown;
}

// As in attributes: an answer could not repeat these characters.
const FORBIDDEN = /[\p{Cc}\p{Surrogate}]/u;

/**
 * The error of a frame, with the key of its event if known (PROTOCOL.md, Which problem ends what).
 * The sender would resend such an event on each connection, so it is NACKed by itself. A control
 * message is not: its sender does not keep it.
 */
export function namedRefusal(thrown: unknown, names: EventNames | undefined): HawserError {
  const { code, message } = HawserError.from(thrown, "invalid_event");
  const { type, resourceid, eventid } = names ?? {};
  const isControl = typeof type === "string" && type.startsWith(CONTROL_TYPE_PREFIX);
  if (isControl || !isUsable(resourceid) || typeof eventid !== "string" || versionOf(eventid) === undefined)
    return HawserError.from(thrown, "invalid_event");
  return new HawserError(code, message, { cause: thrown, resource_id: resourceid, event_id: eventid });
}

function isUsable(resourceid: unknown): resourceid is string {
  if (typeof resourceid !== "string" || resourceid === "") return false;
  return resourceid.length <= LIMITS.maxResourceIdLength && !FORBIDDEN.test(resourceid);
}
