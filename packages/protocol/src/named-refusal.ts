import { CONTROL_TYPE_PREFIX } from "./control.js";
import { HawserError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { versionOf } from "./version.js";

/** By what an event is answered that cannot be read as a whole. */
export interface EventNames {
  readonly type?: unknown;
  readonly resourceid?: unknown;
  readonly eventid?: unknown;
}

// As in attributes: neither could be said in an answer and be the same.
const FORBIDDEN = /[\p{Cc}\p{Surrogate}]/u;

/**
 * The error of a frame, with the key of the event where that is known (PROTOCOL.md, Which problem ends what). Such an event is in its sender's mailbox
 * and would come again on each connection, so it is answered by itself. Control messages are not: their sender forgets them.
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
