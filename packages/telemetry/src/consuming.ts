import { context, SpanKind, trace, type Context, type Link, type Tracer } from "@opentelemetry/api";
import { ATTRIBUTES, spanAttributes, spanName, type Operation } from "./attributes.js";
import type { HandleMessage } from "./channel-messages.js";
import { recordError, type SpanPlan } from "./operation-spans.js";
import { creatorOf, isUnderWay } from "./span-context.js";

/**
 * Relation of a handler's span to its event's span. `child`: below it in the same trace, and
 * linked. `link`: in a new trace, linked.
 */
export type Relation = "child" | "link";

/** Spans of handlers, active while they run. */
export function handleSpans(
  tracer: Tracer,
  consumer: Pick<Operation, "direction" | "atAgent">,
  relation: Relation,
): SpanPlan<HandleMessage> {
  const operation: Operation = { ...consumer, name: "process", type: "process" };
  return {
    begin(message) {
      const { agent, event, attempt } = message;
      const { parent, links } = placeOf(event, relation);
      const attributes = spanAttributes(operation, agent, event, attempt);
      const span = tracer.startSpan(
        spanName(operation),
        { kind: SpanKind.CONSUMER, attributes, links },
        parent,
      );
      const active = trace.setSpan(parent, span);
      const { around } = message;
      message.around = (work) => {
        const inside = (): ReturnType<typeof work> => context.with(active, work);
        return around === undefined ? inside() : around(inside);
      };
      return span;
    },
    end(message, span) {
      const { result } = message;
      // The thrown error is already recorded; the sender retries.
      span.setAttribute(ATTRIBUTES.outcome, result?.kind ?? "retry");
      if (result !== undefined && result.kind !== "applied") recordError(span, result.error);
    },
  };
}

/**
 * Each event is handled alone, so its span may be a child (semantic conventions for messaging,
 * "Message creation context as parent"). The link is always there, because tools look for it. A
 * span around the handler is that of the connection, possibly hours long, so it is only linked.
 */
function placeOf(
  event: HandleMessage["event"],
  relation: Relation,
): { readonly parent: Context; readonly links: Link[] } {
  const around = context.active();
  const connection = isUnderWay(around) ? trace.getSpanContext(around) : undefined;
  const creator = creatorOf(event);
  const links = creator === undefined ? [] : [{ context: creator }];
  if (creator !== undefined && relation === "child") {
    const isElsewhere = connection !== undefined && connection.spanId !== creator.spanId;
    return {
      parent: trace.setSpanContext(around, creator),
      links: isElsewhere ? [...links, { context: connection }] : links,
    };
  }
  return { parent: connection === undefined ? trace.deleteSpan(around) : around, links };
}
