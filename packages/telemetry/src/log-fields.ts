import { trace } from "@opentelemetry/api";
import type { LogFields } from "@hawser/runtime";

/** `trace_id` and `span_id` of what goes on right now, under the names OpenTelemetry gives them in logs; nothing outside of a span. */
export function traceLogFields(): LogFields {
  const current = trace.getActiveSpan()?.spanContext();
  return current === undefined ? {} : { trace_id: current.traceId, span_id: current.spanId };
}
