import * as binding from "@hawser/http-binding";
import { parseTraceContext, type HawserError, type TraceContext } from "@hawser/protocol";
import type { Logger, Random } from "@hawser/runtime";
import type { Context, MiddlewareHandler } from "hono";

export type { Problem } from "@hawser/http-binding";

const REQUEST_ID_HEADER = "x-request-id";
/** What a caller may name a request: nothing that could break a line of a log. */
const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;
const KEY = "hawser.requestId";

/** Gives each request an id, the caller's own if it is fit to be logged, and puts it on the answer. */
export function requestIds(random: Pick<Random, "uuid">): MiddlewareHandler {
  return async (context, next) => {
    const given = context.req.header(REQUEST_ID_HEADER);
    const id = given !== undefined && ACCEPTED.test(given) ? given : random.uuid();
    context.set(KEY, id);
    await next();
    context.res.headers.set(REQUEST_ID_HEADER, id);
  };
}

/** The id of a request that went through `requestIds`. */
export function requestIdOf(context: Context): string {
  const id: unknown = context.get(KEY);
  return typeof id === "string" ? id : "";
}

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

/** Says what went wrong, as this principal does. */
export function problemOf(error: HawserError, logger: Logger, requestId: string): binding.Problem {
  return binding.problemOf(error, { logger, requestId, speaker: "principal" });
}

/** Answers with what went wrong, as this principal does. */
export function problemResponse(thrown: unknown, logger: Logger, requestId: string): Response {
  return binding.problemResponse(thrown, { logger, requestId, speaker: "principal" });
}
