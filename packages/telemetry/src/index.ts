export type { Relation } from "./consuming.js";
export { traceLogFields } from "./log-fields.js";
export { contextOf } from "./span-context.js";
export {
  createTelemetry,
  DEFAULT_FLUSH_TIMEOUT_MS,
  type Telemetry,
  type TelemetryOptions,
} from "./telemetry.js";
export { isTracingRegistered } from "./tracer-provider.js";
