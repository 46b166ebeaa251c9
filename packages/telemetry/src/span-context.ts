import {
  context,
  createTraceState,
  isSpanContextValid,
  trace,
  type Context,
  type SpanContext,
} from "@opentelemetry/api";
import { parseTraceContext, traceContextOf, type TraceContext } from "@hawser/protocol";

/**
 * A span's context for an event; undefined for none. The registered propagator is not used:
 * CloudEvents defines one format (CloudEvents Distributed Tracing extension).
 */
export function toTraceContext(spanContext: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(spanContext)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = spanContext;
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize();
  return tracestate === undefined || tracestate === "" ? { traceparent } : { traceparent, tracestate };
}

/** The remote span of a trace context. */
export function toSpanContext(remote: TraceContext | undefined): SpanContext | undefined {
  if (remote === undefined) return undefined;
  const [, traceId = "", spanId = "", flags = ""] = remote.traceparent.split("-");
  const { tracestate } = remote;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/**
 * The creation context of an event, to begin a span below it or to link to it outside a handler,
 * for example for a list or a file. `base` for an event without one.
 */
export function contextOf(
  event: { readonly [name: string]: unknown },
  base: Context = context.active(),
): Context {
  const remote = toSpanContext(parseTraceContext(event["traceparent"], event["tracestate"]));
  return remote === undefined ? base : trace.setSpanContext(base, remote);
}

/** The span that created an event. */
export function creatorOf(event: Parameters<typeof traceContextOf>[0]): SpanContext | undefined {
  return toSpanContext(traceContextOf(event));
}

/** True while the context's span runs. An ended one was left behind by a timer or a socket. */
export function isUnderWay(around: Context): boolean {
  return trace.getSpan(around)?.isRecording() === true;
}
