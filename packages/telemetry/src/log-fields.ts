import { trace } from "@opentelemetry/api";
import type { LogFields } from "@hawser/runtime";

/** The active span as `trace_id` and `span_id` (OpenTelemetry's names); empty outside a span. */
export function traceLogFields(): LogFields {
  const current = trace.getActiveSpan()?.spanContext();
  return current === undefined ? {} : { trace_id: current.traceId, span_id: current.spanId };
}
