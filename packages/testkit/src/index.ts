export type { VirtualHost } from "./virtual-host.js";
export {
  createVirtualRuntime,
  type HostOptions,
  type VirtualRuntime,
  type VirtualRuntimeOptions,
} from "./virtual-runtime.js";
