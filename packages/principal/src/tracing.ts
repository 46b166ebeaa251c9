import { tracingChannel } from "node:diagnostics_channel";
import type { EventDraft, HawserEvent } from "@hawser/protocol";
import type { DrainShape } from "./principal.js";

/** Message of `tracing:hawser.principal.publish:*`: an event is being accepted for an agent. `result` is an `Accepted`. */
export interface PublishTrace {
  readonly agent: string;
  readonly event: EventDraft;
}

/** Message of `tracing:hawser.principal.put:*` and `tracing:hawser.principal.delete:*`: a resource is being changed. */
export interface ResourceTrace {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
}

/** Message of `tracing:hawser.principal.handle:*`: `onEvent` is at work on an event of an agent. */
export interface HandleTrace {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
}

/** Message of `tracing:hawser.principal.drain:*`. `result` is a `DrainReport`. */
export interface DrainTrace {
  readonly shape: DrainShape;
  readonly reason: string;
}

export const publishing = tracingChannel<unknown, PublishTrace>("hawser.principal.publish");
export const putting = tracingChannel<unknown, ResourceTrace>("hawser.principal.put");
export const deleting = tracingChannel<unknown, ResourceTrace>("hawser.principal.delete");
export const handling = tracingChannel<unknown, HandleTrace>("hawser.principal.handle");
export const draining = tracingChannel<unknown, DrainTrace>("hawser.principal.drain");
