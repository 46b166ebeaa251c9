import { HawserError } from "@hawser/protocol";

/** A mistake of our own or of the calling code, never of a peer: as an error to throw. */
export function broken(what: string): HawserError {
  return new HawserError("internal", `delivery: ${what}`);
}

/** @throws HawserError `internal` unless it holds */
export function invariant(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw broken(otherwise);
}
