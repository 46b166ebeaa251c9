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
 * A span's place in its trace, as an event carries it; undefined for a span that has none. Written by hand and not by the propagator that is set up: CloudEvents knows one
 * format, whatever the program speaks to others (CloudEvents Distributed Tracing extension).
 */
export function toTraceContext(spanContext: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(spanContext)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = spanContext;
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  const tracestate = traceState?.serialize();
  return tracestate === undefined || tracestate === "" ? { traceparent } : { traceparent, tracestate };
}

/** The span that a trace context names, somewhere else. */
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
 * The context that an event was made in, to begin a span below it or to link to it: for events that are met elsewhere than in a handler, such as in a list or a file.
 * Without a trace context on the event, `base` as it is.
 */
export function contextOf(
  event: { readonly [name: string]: unknown },
  base: Context = context.active(),
): Context {
  const remote = toSpanContext(parseTraceContext(event["traceparent"], event["tracestate"]));
  return remote === undefined ? base : trace.setSpanContext(base, remote);
}

/** The span an event was made by. */
export function creatorOf(event: Parameters<typeof traceContextOf>[0]): SpanContext | undefined {
  return toSpanContext(traceContextOf(event));
}

/** True while the span of a context is under way. One that has ended was only left behind, by a timer or a socket that was opened in it. */
export function isUnderWay(around: Context): boolean {
  return trace.getSpan(around)?.isRecording() === true;
}
