import { parseTraceContext, type TraceContext } from "@hawser/protocol";

/** What the documentation says of the headers. */
export const TRACE_HEADERS = {
  traceparent:
    "The trace of whoever asks (W3C Trace Context). What is accepted carries it, unless the event has one.",
  tracestate: "What belongs to `traceparent`.",
} as const;

/**
 * The trace a request belongs to, as an option of what it asks for. Whoever makes an event without a trace of its own begins it here, so it is the header's (CloudEvents
 * Distributed Tracing extension: what comes between the source and the sink may add it). What is malformed is passed over.
 */
export function traceOf(headers: Headers): { readonly traceContext?: TraceContext } {
  const traceContext = parseTraceContext(headers.get("traceparent"), headers.get("tracestate"));
  return traceContext === undefined ? {} : { traceContext };
}
