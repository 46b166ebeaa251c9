import type { Ack, EventKey } from "./control.js";
import { integer, invalidMessage, isAbsent, type Fields } from "./control-fields.js";
import { LIMITS } from "./limits.js";
import { quote } from "./text.js";
import { versionOf } from "./version.js";

/** On the hot path: one walk over the keys, each checked in place. */
export function parseAck(fields: Fields): Ack {
  const keys: unknown = fields["acks"];
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > LIMITS.maxAcksPerFrame) {
    throw invalidMessage("acks", `must list 1 to ${LIMITS.maxAcksPerFrame} events`);
  }
  const acks = keys.map(parseKey);
  if (isAbsent(fields, "recorded")) return { type: "ack", acks };
  return { type: "ack", acks, recorded: integer(fields, "recorded", 0, Number.MAX_SAFE_INTEGER) };
}

function parseKey(value: unknown): EventKey {
  if (typeof value !== "object" || value === null) throw invalidMessage("acks", "must list objects");
  const resourceid: unknown = "resourceid" in value ? value.resourceid : undefined;
  const eventid: unknown = "eventid" in value ? value.eventid : undefined;
  if (typeof resourceid !== "string" || resourceid === "" || resourceid.length > LIMITS.maxResourceIdLength) {
    throw invalidMessage(
      "acks",
      `has a resourceid that is not a string of 1 to ${LIMITS.maxResourceIdLength} characters`,
    );
  }
  if (typeof eventid !== "string" || versionOf(eventid) === undefined) {
    throw invalidMessage("acks", `has an eventid that is not a version: ${quote(eventid)}`);
  }
  return { resourceid, eventid };
}
