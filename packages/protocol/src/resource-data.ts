import { isFields, type Fields } from "./control-fields.js";
import { HawserError } from "./errors.js";
import { EVENT_TYPES, type EventDraft, type JsonValue } from "./event.js";
import { parseResourceId, parseSubject } from "./resource-id.js";
import { quote } from "./text.js";
import { versionOf } from "./version.js";

/** Data of `hawser.resource.delete.v1`, and the part all three have in common. */
export interface DeleteData {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** Data of `hawser.resource.spec.v1`. */
export interface SpecData extends DeleteData {
  readonly spec: JsonValue;
}

/** Data of `hawser.resource.status.v1`. */
export interface StatusData extends DeleteData {
  readonly status: JsonValue;
  /** `eventid` of the spec the status reflects. */
  readonly observed: string;
}

/** @throws HawserError `invalid_event` for another type, or data that contradicts the attributes */
export function parseSpecData(event: EventDraft): SpecData {
  const data = objectOf(event, EVENT_TYPES.spec);
  return { ...identity(event, data), spec: required(data, "spec") };
}

/** @throws HawserError `invalid_event` for another type, or data that contradicts the attributes */
export function parseStatusData(event: EventDraft): StatusData {
  const data = objectOf(event, EVENT_TYPES.status);
  const { observed } = data;
  if (typeof observed !== "string" || versionOf(observed) === undefined) {
    throw invalidData("observed", `must be the eventid of a spec, not ${quote(observed)}`);
  }
  return { ...identity(event, data), status: required(data, "status"), observed };
}

/** @throws HawserError `invalid_event` for another type, or data that contradicts the attributes */
export function parseDeleteData(event: EventDraft): DeleteData {
  return identity(event, objectOf(event, EVENT_TYPES.delete));
}

/** @throws HawserError `invalid_event` for another type, and for data that are no object */
export function objectOf({ type, data }: EventDraft, expected: string): Fields<JsonValue> {
  if (type !== expected) {
    throw new HawserError("invalid_event", `the type must be ${expected}, not ${quote(type)}`);
  }
  if (isFields<JsonValue>(data)) return data;
  throw new HawserError("invalid_event", `the data of ${type} must be a JSON object`);
}

/** The data repeats `subject` and `resourceid`. A contradiction would mix up two resources. */
function identity({ subject = "", resourceid }: EventDraft, data: Fields<JsonValue>): DeleteData {
  const { kind, name } = parseSubject(subject);
  const { name: idName, uid } = parseResourceId(resourceid);
  if (data["kind"] !== kind) throw invalidData("kind", `must be ${quote(kind)}, as in the subject`);
  if (data["name"] !== name) throw invalidData("name", `must be ${quote(name)}, as in the subject`);
  if (idName !== name) throw invalidData("name", `must be ${quote(idName)}, as in resourceid`);
  if (data["uid"] !== uid) throw invalidData("uid", `must be ${quote(uid)}, as in resourceid`);
  return { kind, name, uid };
}

function required(data: Fields<JsonValue>, field: string): JsonValue {
  const value = data[field];
  if (value === undefined) throw invalidData(field, "is missing");
  return value;
}

export function invalidData(field: string, problem: string): HawserError {
  return new HawserError("invalid_event", `field ${quote(field)} of the data ${problem}`);
}
