import { tracingChannel } from "node:diagnostics_channel";
import type { EventDraft, HawserEvent, TraceContext } from "@hawser/protocol";
import type { TraceScope } from "@hawser/runtime";
import type { DrainShape } from "./principal.js";

/** Message of `tracing:hawser.principal.publish:*`: an event is being accepted for an agent. `result` is an `Accepted`. */
export interface PublishTrace extends TraceScope {
  readonly agent: string;
  readonly event: EventDraft;
  /** What the accepted event carries when it has none of its own: the caller's, unless a subscriber puts that of its span in its place at `start`. */
  traceContext: TraceContext | undefined;
}

/** Message of `tracing:hawser.principal.put:*` and `tracing:hawser.principal.delete:*`: a resource is being changed. */
export interface ResourceTrace extends TraceScope {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  /** What the event carries that comes of it: the caller's, unless a subscriber puts that of its span in its place at `start`. */
  traceContext: TraceContext | undefined;
  /** The event that was accepted, from when it is; a change that changes nothing has none. */
  event: HawserEvent | undefined;
}

/**
 * Message of `tracing:hawser.principal.handle:*`: an event of an agent is at work, a status or one for `onEvent`. `result` is an `Outcome`: applied, or refused for
 * good; `error` is what was thrown: it is tried again.
 */
export interface HandleTrace extends TraceScope {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
}

/** Message of `tracing:hawser.principal.drain:*`. `result` is a `DrainReport`. */
export interface DrainTrace extends TraceScope {
  readonly shape: DrainShape;
  readonly reason: string;
}

export const publishing = tracingChannel<unknown, PublishTrace>("hawser.principal.publish");
export const putting = tracingChannel<unknown, ResourceTrace>("hawser.principal.put");
export const deleting = tracingChannel<unknown, ResourceTrace>("hawser.principal.delete");
export const handling = tracingChannel<unknown, HandleTrace>("hawser.principal.handle");
export const draining = tracingChannel<unknown, DrainTrace>("hawser.principal.drain");
