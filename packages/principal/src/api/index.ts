export type { AgentSource } from "./agent-gauges.js";
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
} from "./authorize.js";
export { createApi, DEFAULT_MAX_REQUESTS_PER_CLIENT, type ApiOptions } from "./api.js";
export { ApiTokens, weakTokenProblem, type ApiCaller, type ApiToken } from "./api-tokens.js";
export type { RefusalObserver } from "./audit-log.js";
export type { ConnectionObserver } from "./connections.js";
export type { EventLogSource } from "./event-log-metrics.js";
export type { LifecycleSource } from "./lifecycle-metrics.js";
export { createHealthServer, type HealthServerOptions } from "./health-server.js";
export { checkApiTls, type ApiTls } from "./http-serving.js";
export { createMetrics, DEFAULT_MAX_METRIC_AGENTS } from "./metrics.js";
export type { Metrics, MetricsOptions, MetricsSource } from "./metrics.js";
export { type ServedCertificate } from "@hawser/listener";
export type { OpenFiles } from "./status-routes.js";
export type { RequestObserver } from "./request-metrics.js";
export type { StreamGap, StreamName, StreamObserver } from "./streams/stream-observer.js";
export { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, type PageJson } from "./paging.js";
export { DEFAULT_MAX_STREAMS } from "./streams/stream-routes.js";
export type { Problem } from "./problem.js";
