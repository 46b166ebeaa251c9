export type { ApiMetrics, RequestObserver } from "./api-metrics.js";
export {
  createApiServer,
  DEFAULT_API_SERVER_OPTIONS,
  type ApiServer,
  type ApiServerOptions,
} from "./api-server.js";
export { createApiHandler, type ApiHandler } from "./api-handler.js";
export {
  DEFAULT_AUTHORIZE_TIMEOUT_MS,
  MAX_PENDING_AUTHORIZATIONS,
  type ApiRequest,
  type ApiVerdict,
  type Authorize,
} from "./access/authorize.js";
export { createApi, DEFAULT_MAX_REQUESTS_PER_CLIENT, type ApiOptions } from "./api.js";
export { ApiTokens, weakTokenProblem, type ApiCaller, type ApiToken } from "./access/api-tokens.js";
export type { RefusalObserver } from "./access/audit-log.js";
export type { ConnectionObserver } from "./http/connections.js";
export { createHealthServer, type HealthServerOptions } from "./health-server.js";
export { checkApiTls, type ApiTls } from "./http/http-serving.js";
export type { OpenFiles } from "./routes/status-routes.js";
export type { StreamGap, StreamName, StreamObserver } from "./streams/stream-observer.js";
export { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, type PageJson } from "./http/paging.js";
export { DEFAULT_MAX_STREAMS } from "./streams/stream-routes.js";
export type { Problem } from "./http/request.js";
export { ALL_EVENTS, type EventFilter } from "./event-log/event-filter.js";
export { createEventLog } from "./event-log/stored-event-log.js";
export type {
  AllRecordedOptions,
  EventLog,
  EventLogOptions,
  EventLogStats,
  LogHold,
} from "./event-log/event-log.js";
export type { Extent, IndexedEvent } from "./event-log/log-index.js";
export {
  DEFAULT_EVENT_LOG_LIMITS,
  eventLogStoreLimits,
  resolveEventLogLimits,
  type EventLogLimits,
} from "./event-log/log-limits.js";
export type { RecordedPage, RecordedQuery } from "./event-log/read-recorded.js";
export type { RecordedEvent } from "./event-log/recorded-event.js";
export { createSinks } from "./sinks/stored-sinks.js";
export { MAX_SINKS, type PutSinkOptions, type Sinks, type SinksOptions } from "./sinks/sinks.js";
export {
  WEBHOOK_MODES,
  type FileTarget,
  type SinkDefinition,
  type SinkRequest,
  type WebhookMode,
  type WebhookTarget,
} from "./sinks/sink-definition.js";
export type { SinkDeadLetterView, SinkFailure, SinkState, SinkTest, SinkView } from "./sinks/sink-view.js";
