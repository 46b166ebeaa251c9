import { HawserError } from "./errors.js";
import { LIMITS } from "./limits.js";

/** A window of un-ACKed events (PROTOCOL.md, Sending). @throws HawserError `invalid_config` */
export function checkWindow(window: number): number {
  if (Number.isSafeInteger(window) && window >= 1 && window <= LIMITS.maxWindow) return window;
  const range = `a whole number from 1 to ${LIMITS.maxWindow}`;
  throw new HawserError("invalid_config", `window must be ${range}, not ${window}`);
}

/** A bound in bytes; `name` is the option's. @throws HawserError `invalid_config` */
export function checkBytes(name: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new HawserError("invalid_config", `${name} must be a whole number from 1, not ${bytes}`);
}
