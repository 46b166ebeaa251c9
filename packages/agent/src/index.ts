export type {
  Agent,
  AgentObserver,
  AgentOptions,
  PrincipalEventHandler,
  StopOptions,
} from "./agent.js";
export type { AgentState } from "./agent-state.js";
export {
  createDeliveryStream,
  type Accepted,
  type DeliveryStream,
  type HandleTrace,
  type LoopedDelivery,
  type PublishOptions,
  type PublishTrace,
} from "@hawser/link";
export { createAgent, DEFAULT_STOP_GRACE_MS } from "./create-agent.js";
export { defineHandler, type HandlerOf, type KindContext, type KindHandler } from "./define-handler.js";
export { DEFAULT_CHECK_INTERVAL_MS } from "./resolve-options.js";
export type {
  DeletedResource,
  DesiredResource,
  HandlerContext,
  HandlerParts,
  Handlers,
  ResourceHandler,
  SaidStatus,
} from "./resource-handler.js";
