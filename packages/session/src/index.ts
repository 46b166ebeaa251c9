export { AgentSession } from "./agent-session.js";
export type { AgentSessionOptions, AgentSessionState } from "./agent-session-state.js";
export {
  closeCodeOf,
  closeReasonOf,
  errorCodeOfClose,
  isRefusal,
  REFUSAL_CODES,
  type RefusalCode,
} from "./close-reasons.js";
export { negotiateVersion, parseSettled } from "./negotiation.js";
export { PrincipalSession } from "./principal-session.js";
export type {
  Acceptance,
  DrainOrder,
  PrincipalSessionOptions,
  PrincipalSessionState,
} from "./principal-session-state.js";
export type { DrainNotice, EndCause, EndReason, SessionEnd, TransportEnd } from "./session-end.js";
export type { EndingState } from "./session-machine.js";
export type { Established, SessionOutput } from "./session-output.js";
export { MAX_SESSION_TIMING_MS, resolveSessionTiming, type SessionTiming } from "./session-timing.js";
export { decideTakeover, type Takeover } from "./takeover.js";
