/**
 * Close codes of the wire (PROTOCOL.md, Close codes). Codes below 4000 are those of RFC 6455,
 * section 7.4.1. gRPC carries the same numbers in the trailer `hawser-close-code`.
 */
export const CLOSE_CODES = {
  /** Clean end: rotation, or the side is done. */
  normal: 1000,
  /** Clean end: the side is going away (drain, shutdown). */
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidPayload: 1007,
  policyViolation: 1008,
  frameTooLarge: 1009,
  internalError: 1011,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  handshakeTimeout: 4000,
  heartbeatTimeout: 4001,
  superseded: 4002,
  unauthenticated: 4003,
  forbidden: 4004,
  unsupportedVersion: 4005,
  windowExceeded: 4006,
  slowConsumer: 4007,
  storeFull: 4008,
  storeUnavailable: 4009,
  storeRolledBack: 4010,
  agentRemoved: 4011,
} as const;

/** A code this protocol closes with. */
export type CloseCode = (typeof CLOSE_CODES)[keyof typeof CLOSE_CODES];

/** Reported when no close handshake took place (RFC 6455, section 7.1.5). Never sent. */
export const ABNORMAL_CLOSURE = 1006;

/** True for the two codes of a clean end. After any other code an agent backs off. */
export function isCleanClose(code: number): boolean {
  return code === CLOSE_CODES.normal || code === CLOSE_CODES.goingAway;
}
