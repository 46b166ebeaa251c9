import { HawserError } from "./errors.js";
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
  throw new HawserError(
    "invalid_event",
    `data is nested more than ${LIMITS.maxDataDepth} levels deep; flatten it or send it as bytes`,
  );
}

/** Refuses data that is neither text nor bytes although `datacontenttype` says it is not JSON. */
export function checkDataKind(data: unknown, contentType: string | undefined): void {
  if (typeof data === "string" || data instanceof Uint8Array || isJsonContentType(contentType)) return;
  throw new HawserError(
    "invalid_event",
    `data must be a string or bytes when datacontenttype is ${quote(contentType)}, which is not JSON`,
  );
}
