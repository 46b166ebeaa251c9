import type { EventDraft, HawserError, HawserEvent, TraceContext } from "@hawser/protocol";
import type { TraceScope } from "@hawser/runtime";

// What is read of the messages on the tracing channels of @hawser/principal and @hawser/agent, which this package does without; a test holds both together.

/** An event is being accepted. */
export interface PublishMessage extends TraceScope {
  readonly agent: string;
  readonly event: EventDraft;
  traceContext: TraceContext | undefined;
  readonly result?: { readonly eventid: string; readonly duplicate: boolean } | undefined;
}

/** A resource is being changed. */
export interface ResourceMessage extends TraceScope {
  readonly agent: string;
  readonly kind: string;
  readonly name: string;
  traceContext: TraceContext | undefined;
  readonly event: HawserEvent | undefined;
}

/** A handler is at work. */
export interface HandleMessage extends TraceScope {
  readonly agent: string;
  readonly event: HawserEvent;
  readonly attempt: number;
  readonly result?:
    | { readonly kind: "applied" }
    | { readonly kind: "rejected" | "retry"; readonly error: HawserError }
    | undefined;
}

/** Sessions are being let go. */
export interface DrainMessage extends TraceScope {
  readonly shape: string;
  readonly reason: string;
}

/** What Node adds to any of them when the work fails. */
export interface Failure {
  readonly error?: unknown;
}
