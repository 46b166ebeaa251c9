import { expect } from "vitest";
import { HawserError, type ErrorCode } from "../errors.js";

/** Matches a `HawserError` of this code whose message contains `part`. */
export function hawserError(code: ErrorCode, part = ""): unknown {
  return expect.toSatisfy(
    (thrown: unknown) =>
      thrown instanceof HawserError && thrown.code === code && thrown.message.includes(part),
    `a HawserError ${code} whose message contains ${JSON.stringify(part)}`,
  );
}

export function invalidEvent(part: string): unknown {
  return hawserError("invalid_event", part);
}
