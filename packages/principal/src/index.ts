export {
  allOf,
  checkPageSize,
  DEFAULT_PAGE_SIZE,
  throwIfGivenUp,
  type AllOptions,
  type Page,
  type Paged,
  type PageRequest,
} from "./all-of.js";
export type { Authenticate, AuthenticateResult, ScreenPeer, Screening } from "./authenticate.js";
export { createPrincipal, DEFAULT_MAX_SESSIONS } from "./create-principal.js";
export { DEFAULT_STOP_WINDOW_MS } from "./principal-life.js";
export { createDeliveryStream, type DeliveryStream, type LoopedDelivery } from "@hawser/link";
export type { AcceptedEvent, PrincipalObserver } from "./principal-observer.js";
export type {
  Accepted,
  AgentEventHandler,
  InternalOptions,
  Principal,
  PrincipalAddresses,
  PrincipalOptions,
  PrincipalLoad,
  PrincipalStatus,
  PublishOptions,
  PurgePendingOptions,
  RemoveAgentOptions,
} from "./principal.js";
export type { DrainOptions, DrainProgress, DrainReport, DrainShape } from "./drain.js";
export type { KindResources, PutOptions, PutResult, OutputAsked, Resources } from "./resources/resources.js";
export type { DrainTrace, HandleTrace, PublishTrace, ResourceTrace } from "./tracing.js";
export type {
  AgentView,
  DeadLetterView,
  EventAhead,
  KindView,
  PurgeReport,
  RollbackReport,
  RefusedView,
  RemovedAgentView,
  ResourceView,
  WaitReason,
  WaitView,
} from "./views.js";
export { DEFAULT_AGENT_RATES, type AgentRateLimits } from "./sessions/agent-rates.js";
