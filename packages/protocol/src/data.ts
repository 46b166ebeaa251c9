import { HawserError } from "./errors.js";
import type { JsonValue } from "./event.js";
import { LIMITS } from "./limits.js";
import { isJsonContentType } from "./media-type.js";
import { quote } from "./text.js";

/** True when `value` has no more than `levels` objects and arrays inside each other. */
function fitsDepth(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!fitsDepth(item, levels - 1)) return false;
    return true;
  }
  for (const key in value) if (!fitsDepth(Reflect.get(value, key), levels - 1)) return false;
  return true;
}

/**
 * Refuses data nested so deeply that walking it could exhaust the stack of whoever receives it.
 *
 * @param encodedLength characters the data was read from: each level takes two, so a short text need not be walked
 */
export function checkDepth(data: unknown, encodedLength: number): void {
  if (encodedLength < 2 * LIMITS.maxDataDepth || fitsDepth(data, LIMITS.maxDataDepth)) return;
  throw tooDeep();
}

function tooDeep(): HawserError {
  return new HawserError(
    "invalid_event",
    `data is nested more than ${LIMITS.maxDataDepth} levels deep; flatten it or send it as bytes`,
  );
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Refuses data that is not text (which UTF-8 can carry) although `datacontenttype` says it is not JSON. */
export function checkDataKind(data: JsonValue, contentType: string | undefined): void {
  if (isJsonContentType(contentType)) return;
  if (typeof data === "string") {
    if (!LONE_SURROGATE.test(data)) return;
    throw new HawserError("invalid_event", "data is text with lone surrogates, which UTF-8 cannot carry");
  }
  throw new HawserError(
    "invalid_event",
    `data must be a string or bytes when datacontenttype is ${quote(contentType)}, which is not JSON`,
  );
}

/**
 * `value` as the JSON it is. Refuses what JSON cannot carry, such as a function, NaN, a Date or a cycle, instead of letting it turn into something else on the way. Members that are undefined are
 * left out, as JSON does; a copy is made for that alone.
 *
 * @throws HawserError `invalid_event` naming what is no JSON, and for what is nested more than `LIMITS.maxDataDepth` levels deep
 */
export function jsonOf(value: unknown): JsonValue {
  const isComplete = isCompleteJson(value, LIMITS.maxDataDepth);
  return (isComplete ? value : withoutUndefined(value)) as JsonValue;
}

/** False when there is something undefined to leave out. @throws HawserError `invalid_event` for what is no JSON besides */
function isCompleteJson(value: unknown, levels: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      if (Number.isFinite(value)) return true;
      break;
    case "object":
      return value === null || isCompleteObject(value, levels);
    default:
  }
  throw new HawserError("invalid_event", `data contains ${quote(value)}, which JSON cannot carry`);
}

function isCompleteObject(value: object, levels: number): boolean {
  if (levels === 0) throw tooDeep();
  let isComplete = true;
  if (Array.isArray(value)) {
    for (const item of value) if (!isCompleteJson(item, levels - 1)) isComplete = false;
    return isComplete;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new HawserError("invalid_event", "data contains an object that is neither plain nor an array");
  }
  for (const member of Object.values(value))
    if (member === undefined || !isCompleteJson(member, levels - 1)) isComplete = false;
  return isComplete;
}

/** A copy of what is known to be JSON but for this. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  // It defines a member named __proto__, which an assignment would not.
  return Object.fromEntries(members.map(([key, member]) => [key, withoutUndefined(member)]));
}
