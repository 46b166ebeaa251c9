export type { AgentSource } from "./agent-gauges.js";
export { createApiServer, DEFAULT_API_SERVER_OPTIONS, type ApiServerOptions } from "./api-server.js";
export { createApi, type ApiOptions } from "./api.js";
export type { LifecycleSource } from "./lifecycle-metrics.js";
export { createMetrics, DEFAULT_MAX_METRIC_AGENTS } from "./metrics.js";
export type { Metrics, MetricsOptions, MetricsSource } from "./metrics.js";
export { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT, type PageJson } from "./paging.js";
export { DEFAULT_MAX_STREAMS } from "./streams/stream-routes.js";
export type { Problem } from "./problem.js";
