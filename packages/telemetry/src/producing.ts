import { context, SpanKind, trace, type Context, type Span, type Tracer } from "@opentelemetry/api";
import { traceContextOf, type TraceContext } from "@hawser/protocol";
import { ATTRIBUTES, spanAttributes, spanName, type Operation, type Subject } from "./attributes.js";
import type { PublishMessage, ResourceMessage } from "./channel-messages.js";
import type { SpanPlan } from "./operation-spans.js";
import { creatorOf, isUnderWay, toSpanContext, toTraceContext } from "./span-context.js";

type Producer = Omit<Operation, "type">;

export function publishSpans(tracer: Tracer, producer: Producer): SpanPlan<PublishMessage> {
  const operation: Operation = { ...producer, type: "send" };
  return {
    begin: (message) => begin(tracer, operation, message, message.event),
    end({ result }, span) {
      if (result === undefined) return;
      span.setAttribute(ATTRIBUTES.version, result.eventid);
      if (result.duplicate) span.setAttribute(ATTRIBUTES.duplicate, true);
    },
  };
}

/** Spans of changes of resources. The resulting event is known at the end, if there is one. */
export function resourceSpans(tracer: Tracer, producer: Producer): SpanPlan<ResourceMessage> {
  const operation: Operation = { ...producer, type: "send" };
  return {
    begin: (message) => begin(tracer, operation, message, { subject: `${message.kind}/${message.name}` }),
    end({ agent, event }, span) {
      if (event !== undefined) span.setAttributes(spanAttributes(operation, agent, event));
    },
  };
}

/**
 * Begins the span and gives its context to the event. An event with a context of its own keeps it;
 * the span then is a client of the mailbox, linked to the event's creator (semantic conventions for
 * messaging, producer spans).
 */
function begin(
  tracer: Tracer,
  operation: Operation,
  message: { readonly agent: string; traceContext: TraceContext | undefined },
  event: Subject,
): Span {
  const isMade = "traceparent" in event || "tracestate" in event;
  const creator = isMade ? creatorOf(event) : undefined;
  const caller = message.traceContext ?? (isMade ? traceContextOf(event) : undefined);
  const span = tracer.startSpan(
    spanName(operation),
    {
      kind: isMade ? SpanKind.CLIENT : SpanKind.PRODUCER,
      attributes: spanAttributes(operation, message.agent, event),
      links: creator === undefined ? [] : [{ context: creator }],
    },
    parentOf(caller),
  );
  message.traceContext = toTraceContext(span.spanContext()) ?? message.traceContext;
  return span;
}

/**
 * The active span, such as the HTTP server's, precedes the caller's context. It does not when it
 * has ended or belongs to another trace: then the server was merely started in it.
 */
function parentOf(caller: TraceContext | undefined): Context {
  const around = context.active();
  const remote = toSpanContext(caller);
  if (remote === undefined) return around;
  const isNearer = isUnderWay(around) || trace.getSpanContext(around)?.traceId === remote.traceId;
  return isNearer ? around : trace.setSpanContext(around, remote);
}
