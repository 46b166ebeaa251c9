export type { Authenticate, AuthenticateResult } from "./authenticate.js";
export { createPrincipal, DEFAULT_MAX_SESSIONS, DEFAULT_STOP_WINDOW_MS } from "./create-principal.js";
export type { BoundAddress, ListenerOptions, ListenerTls } from "./listener/listener-options.js";
export type { PrincipalObserver } from "./principal-observer.js";
export type {
  Accepted,
  AgentEventHandler,
  DrainReport,
  Principal,
  PrincipalOptions,
  PublishOptions,
  PutOptions,
  Resources,
} from "./principal.js";
export type { AgentView, DeadLetterView, ResourceView } from "./views.js";
