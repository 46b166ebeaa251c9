export { AgentSession } from "./agent-session.js";
export type { AgentSessionOptions, AgentSessionState } from "./agent-session-state.js";
export { REFUSAL_CODES, type RefusalCode } from "./close-reasons.js";
export { negotiateVersion } from "./handshake.js";
export type { Liveness } from "./liveness.js";
export { PrincipalSession } from "./principal-session.js";
export type {
  Acceptance,
  DrainOrder,
  PrincipalSessionOptions,
  PrincipalSessionState,
} from "./principal-session-state.js";
export { ReconnectPolicy, type Reconnect, type ReconnectPolicyOptions } from "./reconnect-policy.js";
export {
  DEFAULT_RECONNECT_TIMING,
  resolveReconnectTiming,
  type ReconnectTiming,
} from "./reconnect-timing.js";
export type { FullBuffer } from "./send-stall.js";
export type {
  DialFailure,
  DrainNotice,
  EndCause,
  EndReason,
  SessionEnd,
  TransportEnd,
} from "./session-end.js";
export type { EndingState } from "./session-machine.js";
export type { Established, SessionOutput } from "./session-output.js";
export { MAX_SESSION_TIMING_MS, resolveSessionTiming, type SessionTiming } from "./session-timing.js";
