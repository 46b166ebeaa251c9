export {
  createAgentMetrics,
  type AgentMetrics,
  type AgentMetricsOptions,
  type AgentMetricsSource,
} from "./agent/agent-metrics.js";
export type { MetricsText, RegistryOptions } from "./metrics-registry.js";
export type { AgentSource } from "./principal/agent-gauges.js";
export type { EventLogReading, EventLogSource, SinkReading } from "./principal/event-log-metrics.js";
export type { LifecycleSource } from "./principal/lifecycle-metrics.js";
export {
  createPrincipalMetrics,
  DEFAULT_MAX_METRIC_AGENTS,
  type PrincipalMetrics,
  type PrincipalMetricsOptions,
  type PrincipalMetricsSource,
} from "./principal/principal-metrics.js";
export type { RequestMeter } from "./principal/request-metrics.js";
export type { StreamMeter } from "./principal/stream-metrics.js";
