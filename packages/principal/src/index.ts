export { DEFAULT_PAGE_SIZE, type AllOptions } from "./all-of.js";
export type { Authenticate, AuthenticateResult, ScreenPeer, Screening } from "./authenticate.js";
export { createPrincipal, DEFAULT_MAX_SESSIONS, DEFAULT_STOP_WINDOW_MS } from "./create-principal.js";
export type {
  BoundAddress,
  ListenerOptions,
  ListenerTls,
  UnixAddress,
  UnixListenerOptions,
  UpgradeListenerOptions,
  UpgradeSource,
} from "./listener/listener-options.js";
export { createDeliveryStream, type DeliveryStream, type LoopedDelivery } from "@hawser/link";
export type { AcceptedEvent, PrincipalObserver } from "./principal-observer.js";
export type {
  Accepted,
  AgentEventHandler,
  DrainOptions,
  DrainProgress,
  DrainReport,
  DrainShape,
  InternalOptions,
  KindResources,
  Page,
  Principal,
  PrincipalAddresses,
  PrincipalOptions,
  PrincipalLoad,
  PrincipalStatus,
  PublishOptions,
  PutOptions,
  PutResult,
  OutputAsked,
  PurgePendingOptions,
  RemoveAgentOptions,
  Resources,
} from "./principal.js";
export type { DrainTrace, HandleTrace, PublishTrace, ResourceTrace } from "./tracing.js";
export type {
  AgentView,
  DeadLetterView,
  EventAhead,
  KindView,
  OlderCopyReport,
  RefusedView,
  RemovedAgentView,
  ResourceView,
  WaitReason,
  WaitView,
} from "./views.js";
export { createListener, type Listener, type ListenerParts } from "./listener/listener.js";
export { DEFAULT_UNIX_SOCKET_MODE } from "@hawser/transport";
export { DEFAULT_LISTEN_HOST } from "./listener/listener-settings.js";
export { DEFAULT_GATE, type GateOptions, type GateState, type ReadinessCondition } from "./listener/gate.js";
export type { ListenerStats } from "./listener/listener-stats.js";
export { tryListen, type ListenPlace } from "./listener/try-listen.js";
export { checkListenerTls } from "./listener/tls-endpoint.js";
export { DEFAULT_ADMISSION, type AdmissionSettings } from "./listener/admission/admission-settings.js";
export { DEFAULT_AGENT_RATES, type AgentRateLimits } from "./sessions/agent-rates.js";
export type { AdmissionStats } from "./listener/admission/admission-queue.js";
export type { Arrival, Settlement, Turn } from "./listener/visitor.js";
export type { AdmissionTimes } from "./listener/visitors.js";
export type { PurgeReport } from "./purge-report.js";
