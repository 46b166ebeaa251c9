import { HawserError, isErrorCode, type ErrorCode } from "./errors.js";
import { LIMITS } from "./limits.js";
import { cutText, quote } from "./text.js";
import { formatSettled, parseSettled } from "./version.js";

/** The members of a JSON object from a peer. Their values are not checked yet. */
export type Fields<Value = unknown> = Readonly<Record<string, Value>>;

export function isFields<Value = unknown>(value: unknown): value is Fields<Value> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** `null` counts as absent, as in an event. */
export function isAbsent(fields: Fields, name: string): boolean {
  return fields[name] === undefined || fields[name] === null;
}

export function invalidMessage(field: string, problem: string): HawserError {
  return new HawserError("invalid_message", `field ${quote(field)} ${problem}`);
}

/** An identifier. Both sides need it word for word, so a long one is refused and not cut. */
export function token(fields: Fields, name: string, max: number = LIMITS.maxTokenLength): string {
  const value = fields[name];
  if (typeof value === "string" && value !== "" && value.length <= max) return value;
  throw invalidMessage(name, `must be a string of 1 to ${max} characters, not ${quote(value)}`);
}

/** Free text for people: cut when too long. */
export function text(fields: Fields, name: string, max: number): string {
  const value = fields[name];
  if (typeof value !== "string") throw invalidMessage(name, `must be a string, not ${quote(value)}`);
  return cutText(value, max);
}

export function integer(fields: Fields, name: string, min: number, max: number): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalidMessage(name, `must be an integer of ${min} to ${max}, not ${quote(value)}`);
}

/** Whole milliseconds; more than a day counts as a day. */
export function duration(fields: Fields, name: string, min = 0): number {
  return Math.min(integer(fields, name, min, Number.MAX_SAFE_INTEGER), LIMITS.maxDurationMs);
}

export function boolean(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value === "boolean") return value;
  throw invalidMessage(name, `must be true or false, not ${quote(value)}`);
}

/** A version, or "0" for none. */
export function settled(fields: Fields, name = "settled"): string {
  return formatSettled(parseSettled(fields[name], name));
}

/** An unknown code of a later version becomes `internal`; its name begins the message. */
export function codeAndMessage(fields: Fields): { readonly code: ErrorCode; readonly message: string } {
  const code = token(fields, "code");
  const message = text(fields, "message", LIMITS.maxMessageLength);
  if (isErrorCode(code)) return { code, message };
  return { code: "internal", message: cutText(`${code}: ${message}`, LIMITS.maxMessageLength) };
}
