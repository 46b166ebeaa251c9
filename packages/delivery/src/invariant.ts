import { HawserError } from "@hawser/protocol";

/** A mistake of our own, never of a peer nor of the calling code: as an error to throw. */
export function broken(what: string): HawserError {
  return new HawserError("internal", `delivery: ${what}`);
}

/** @throws HawserError `internal` unless it holds */
export function invariant(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw broken(otherwise);
}

/** A call that the calling code must not make now, in words that say which one it has to make. */
export function misused(
  what: string,
  about: { readonly resourceid?: string; readonly eventid?: string } = {},
): HawserError {
  return new HawserError("invalid_state", what, {
    ...(about.resourceid === undefined ? {} : { resource_id: about.resourceid }),
    ...(about.eventid === undefined ? {} : { event_id: about.eventid }),
  });
}
