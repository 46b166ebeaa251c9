import { assertAttributes, invalidAttribute } from "./attributes.js";
import { checkDataKind, jsonOf } from "./data.js";
import { HawserError } from "./errors.js";
import { eventClass, OUTPUT_REQUEST_TYPE, type CloudEvent, type EventDraft } from "./event.js";
import { jsonCodec } from "./json-codec.js";
import { surelyFits } from "./json-size.js";
import { LIMITS } from "./limits.js";
import { parseOutputRequest } from "./output.js";
import { checkEvent } from "./parse-message.js";
import { parseDeleteData, parseSpecData, parseStatusData } from "./resource-data.js";

/**
 * Checks a publisher's event (PROTOCOL.md, Events). Null and undefined attributes and undefined
 * members of the data are left out. Other data is kept, not copied.
 * @throws HawserError `invalid_event` naming the attribute, `missing_resourceid`, `unknown_type`
 *   for a reserved type, `event_too_large` above `LIMITS.maxEventBytes` as JSON
 */
export function checkDraft(input: unknown): EventDraft {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new HawserError("invalid_event", "the event is not an object with CloudEvents attributes");
  }
  const attributes = withoutUnset(input);
  if ("eventid" in attributes) throw invalidAttribute("eventid", "must not be set; the mailbox gives it");
  assertAttributes(attributes);
  const event = withJson(attributes);
  assertResource(event);
  checkEvent(event);
  checkState(event);
  checkSize(event);
  return event;
}

function withoutUnset(input: object): Record<string, unknown> {
  const attributes: Record<string, unknown> = { ...input };
  for (const name in attributes) {
    const value = attributes[name];
    if (value === undefined || (value === null && name !== "data")) delete attributes[name];
  }
  return attributes;
}

function withJson(event: CloudEvent): CloudEvent {
  if (event.data === undefined || event.data instanceof Uint8Array) return event;
  const data = jsonOf(event.data);
  checkDataKind(data, event.datacontenttype);
  return data === event.data ? event : { ...event, data };
}

function assertResource(event: CloudEvent): asserts event is EventDraft {
  if (typeof event.resourceid === "string") return;
  throw new HawserError("missing_resourceid", "an event needs the attribute resourceid, <name>_<uid>");
}

function checkState(draft: EventDraft): void {
  switch (eventClass(draft.type)) {
    case "spec":
      parseSpecData(draft);
      return;
    case "status":
      parseStatusData(draft);
      return;
    case "delete":
      parseDeleteData(draft);
      return;
    case "command":
      if (draft.type === OUTPUT_REQUEST_TYPE) parseOutputRequest(draft);
      return;
  }
}

/** @throws HawserError `event_too_large` above `LIMITS.maxEventBytes` as JSON */
export function checkSize(draft: EventDraft): void {
  if (surelyFits(draft, LIMITS.maxEventBytes)) return;
  const bytes = Buffer.byteLength(jsonCodec.encode(draft));
  if (bytes <= LIMITS.maxEventBytes) return;
  throw new HawserError(
    "event_too_large",
    `the event takes ${bytes} bytes as JSON; ${LIMITS.maxEventBytes} are allowed: send a reference to the data instead`,
    { resource_id: draft.resourceid },
  );
}
