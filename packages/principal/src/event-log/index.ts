export type { AllOptions } from "../all-of.js";
export { ALL_EVENTS, type EventFilter } from "./event-filter.js";
export {
  createEventLog,
  type AllRecordedOptions,
  type EventLog,
  type EventLogOptions,
  type EventLogStats,
  type LogHold,
} from "./event-log.js";
export type { Extent, IndexedEvent } from "./log-index.js";
export {
  DEFAULT_EVENT_LOG_LIMITS,
  eventLogStoreLimits,
  resolveEventLogLimits,
  type EventLogLimits,
} from "./log-limits.js";
export type { RecordedPage, RecordedQuery } from "./read-recorded.js";
export type { RecordedEvent } from "./recorded-event.js";
export {
  createSinks,
  MAX_SINKS,
  type PutSinkOptions,
  type Sinks,
  type SinksOptions,
} from "../sinks/sinks.js";
export {
  WEBHOOK_MODES,
  type FileTarget,
  type SinkDefinition,
  type SinkRequest,
  type WebhookMode,
  type WebhookTarget,
} from "../sinks/sink-definition.js";
export type { SinkDeadLetterView, SinkState, SinkTest, SinkView } from "../sinks/sink-view.js";
export type { SinkFailure } from "../sinks/sink-runner.js";
