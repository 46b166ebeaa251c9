import { HawserError } from "./errors.js";
import { LIMITS } from "./limits.js";
import { quote } from "./text.js";

const VERSION = /^[1-9][0-9]{0,15}$/;

/** Undefined unless `text` is a decimal integer of 1 to 2^53 - 1 without leading zeros. */
export function versionOf(text: unknown): number | undefined {
  if (typeof text !== "string" || !VERSION.test(text)) return undefined;
  const version = Number(text);
  return version <= LIMITS.maxVersion ? version : undefined;
}

/** The number in an `eventid` (PROTOCOL.md, Versions). @throws HawserError `invalid_eventid` */
export function parseVersion(text: string): number {
  const version = versionOf(text);
  if (version !== undefined) return version;
  throw new HawserError("invalid_eventid", eventIdRule(text));
}

export function eventIdRule(found: unknown): string {
  const rule = `a decimal integer from 1 to ${LIMITS.maxVersion} without leading zeros, as a string`;
  return `eventid must be ${rule}, not ${quote(found)}`;
}

/** @throws HawserError `invalid_state` unless `version` is an integer of 1 to 2^53 - 1 */
export function formatVersion(version: number): string {
  if (!Number.isSafeInteger(version) || version < 1)
    throw new HawserError("invalid_state", `${version} is not a version`);
  return String(version);
}

/**
 * The number in `settled`: a version, or 0 for none.
 * @param field its name in the error message
 * @throws HawserError `invalid_message`
 */
export function parseSettled(text: unknown, field = "settled"): number {
  const version = text === "0" ? 0 : versionOf(text);
  if (version !== undefined) return version;
  throw new HawserError("invalid_message", `${field} ${quote(text)} is neither "0" nor a version`);
}

/** @throws HawserError `invalid_state` unless `version` is an integer of 0 to 2^53 - 1 */
export function formatSettled(version: number): string {
  return version === 0 ? "0" : formatVersion(version);
}
