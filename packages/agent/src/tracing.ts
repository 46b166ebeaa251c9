import { tracingChannel } from "node:diagnostics_channel";
import type { EventDraft, HawserEvent } from "@hawser/protocol";

/** Message of `tracing:hawser.agent.publish:*`: an event is being accepted for the principal. `result` is an `Accepted`. */
export interface PublishTrace {
  readonly agent: string;
  readonly event: EventDraft;
}

/** Message of `tracing:hawser.agent.handle:*`: a handler is at work on an event of the principal. */
export interface HandleTrace {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
}

export const publishing = tracingChannel<unknown, PublishTrace>("hawser.agent.publish");
export const handling = tracingChannel<unknown, HandleTrace>("hawser.agent.handle");
