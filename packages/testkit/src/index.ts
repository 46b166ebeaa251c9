export {
  createChaosProxy,
  NO_CHAOS,
  type ChaosCounts,
  type ChaosFaults,
  type ChaosProxy,
  type ChaosProxyOptions,
} from "./chaos-proxy.js";
export { PERFECT_NETWORK, ROUGH_NETWORK, type NetworkFaults } from "./network-faults.js";
export type { Notices } from "./live-links.js";
export type { Side } from "./simulated-link.js";
export type { Route } from "./partitions.js";
export type { SimulatedDialerOptions } from "./simulated-dial.js";
export {
  createSimulatedNetwork,
  type NetworkCounts,
  type SimulatedNetwork,
  type SimulatedNetworkOptions,
} from "./simulated-network.js";
export { ManualTimers } from "./manual-timers.js";
export { settledIn } from "./settled-in.js";
export { SteppedLoop } from "./stepped-loop.js";
export { until } from "./until.js";
export type { VirtualHost } from "./virtual-host.js";
export {
  createVirtualRuntime,
  type HostOptions,
  type VirtualRuntime,
  type VirtualRuntimeOptions,
} from "./virtual-runtime.js";
