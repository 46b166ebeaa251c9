import { tracingChannel } from "node:diagnostics_channel";
import type { EventDraft, HawserEvent, TraceContext } from "@hawser/protocol";
import type { TraceScope } from "@hawser/runtime";

/**
 * Message of `tracing:hawser.agent.publish:*`: an event is being accepted for the principal; `result` is an `Accepted`. And of `tracing:hawser.agent.report:*`: a
 * status is, or a newer one of the same resource in its place.
 */
export interface PublishTrace extends TraceScope {
  readonly agent: string;
  readonly event: EventDraft;
  /** What the accepted event carries when it has none of its own: a subscriber puts that of its span here at `start`. */
  traceContext: TraceContext | undefined;
}

/**
 * Message of `tracing:hawser.agent.handle:*`: a handler is at work on an event of the principal. `result` is an `Outcome`: applied, or refused for good; `error` is what
 * was thrown: it is tried again.
 */
export interface HandleTrace extends TraceScope {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
}

export const publishing = tracingChannel<unknown, PublishTrace>("hawser.agent.publish");
export const reporting = tracingChannel<unknown, PublishTrace>("hawser.agent.report");
export const handling = tracingChannel<unknown, HandleTrace>("hawser.agent.handle");
