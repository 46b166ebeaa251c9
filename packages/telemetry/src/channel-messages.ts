import type { EventDraft, HawserError, HawserEvent, TraceContext } from "@hawser/protocol";
import type { TraceScope } from "@hawser/runtime";

// The parts of the tracing messages of @hawser/principal and @hawser/agent that are read here. This
// package does not depend on either; a test compares the types.

export interface PublishMessage extends TraceScope {
  readonly agent: string;
  readonly event: EventDraft;
  traceContext: TraceContext | undefined;
  readonly result?: { readonly eventid: string; readonly duplicate: boolean } | undefined;
}

export interface ResourceMessage extends TraceScope {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  traceContext: TraceContext | undefined;
  readonly event: HawserEvent | undefined;
}

export interface HandleMessage extends TraceScope {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
  readonly result?:
    | { readonly kind: "applied" }
    | { readonly kind: "rejected" | "retry"; readonly error: HawserError }
    | undefined;
}

export interface DrainMessage extends TraceScope {
  readonly shape: string;
  readonly reason: string;
}

/** Added by Node when the work fails. */
export interface Failure {
  readonly error?: unknown;
}
