import { HawserError } from "./errors.js";
import { LIMITS } from "./limits.js";

/** A window of un-ACKed events, as it is announced (PROTOCOL.md, Hello and welcome). @throws HawserError `invalid_config` for one that no peer would take */
export function checkWindow(window: number): number {
  if (Number.isSafeInteger(window) && window >= 1 && window <= LIMITS.maxWindow) return window;
  const range = `a whole number from 1 to ${LIMITS.maxWindow}`;
  throw new HawserError("invalid_config", `window must be ${range}, not ${window}`);
}

/** A number of bytes that bounds something. @param name of the option @throws HawserError `invalid_config` */
export function checkBytes(name: string, bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new HawserError("invalid_config", `${name} must be a whole number from 1, not ${bytes}`);
}
