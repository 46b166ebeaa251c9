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
 * Refuses data so deeply nested that a walk could exhaust the stack of a receiver.
 * @param encodedLength characters the data was read from: each level takes two, so short data
 *   passes
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

/** Refuses data that is no UTF-8 text although its `datacontenttype` is not JSON. */
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
 * `value` as JSON. Refuses values that JSON cannot carry (functions, NaN, dates, cycles) instead of
 * converting them. Undefined members are left out; only then a copy is made.
 * @throws HawserError `invalid_event` naming the value, or for more than `LIMITS.maxDataDepth`
 *   levels
 */
export function jsonOf(value: unknown): JsonValue {
  const isComplete = isCompleteJson(value, LIMITS.maxDataDepth);
  return (isComplete ? value : withoutUndefined(value)) as JsonValue;
}

/** False when there is an undefined member to leave out. @throws HawserError `invalid_event` */
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

/** A copy without undefined members. */
function withoutUndefined(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutUndefined);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  // An assignment would not define a member named __proto__.
  return Object.fromEntries(members.map(([key, member]) => [key, withoutUndefined(member)]));
}
