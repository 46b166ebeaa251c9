import { context, SpanKind, trace, type Context, type Span, type Tracer } from "@opentelemetry/api";
import { traceContextOf, type TraceContext } from "@hawser/protocol";
import { ATTRIBUTES, spanAttributes, spanName, type Operation, type Subject } from "./attributes.js";
import type { PublishMessage, ResourceMessage } from "./channel-messages.js";
import type { SpanPlan } from "./operation-spans.js";
import { creatorOf, isUnderWay, toSpanContext, toTraceContext } from "./span-context.js";

type Producer = Omit<Operation, "type">;

/** Spans of events that are being accepted. */
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

/** Spans of resources that are being changed. What event comes of it, if any, is known at the end. */
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
 * Begins the span, and has the event carry its context. An event that was given one by its maker keeps it: then this span is a mere client of the mailbox and links to
 * where the event was made (semantic conventions for messaging, producer spans).
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
 * The span around the call, such as one of the HTTP server, is nearer than what the caller handed over; unless it has ended, or belongs to another trace and is merely
 * what the server was started in.
 */
function parentOf(caller: TraceContext | undefined): Context {
  const around = context.active();
  const remote = toSpanContext(caller);
  if (remote === undefined) return around;
  const isNearer = isUnderWay(around) || trace.getSpanContext(around)?.traceId === remote.traceId;
  return isNearer ? around : trace.setSpanContext(around, remote);
}
