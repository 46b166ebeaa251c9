import { tracingChannel } from "node:diagnostics_channel";
import type { HandleTrace, PublishTrace } from "@hawser/link";
import type { HawserEvent, TraceContext } from "@hawser/protocol";
import type { TraceScope } from "@hawser/runtime";
import type { DrainShape } from "./drain.js";

export type { HandleTrace, PublishTrace } from "@hawser/link";

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
