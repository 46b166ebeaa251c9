import { CLOSE_CODES, type CloseCode } from "./close-codes.js";
import { CLOSE_CODE_BY_ERROR, type ErrorCode } from "./errors.js";

const ERROR_BY_CLOSE_CODE: ReadonlyMap<number, ErrorCode> = new Map<CloseCode, ErrorCode>([
  [CLOSE_CODES.protocolError, "invalid_message"],
  [CLOSE_CODES.unsupportedData, "unsupported_subprotocol"],
  [CLOSE_CODES.invalidPayload, "invalid_event"],
  [CLOSE_CODES.policyViolation, "forbidden"],
  [CLOSE_CODES.frameTooLarge, "frame_too_large"],
  [CLOSE_CODES.internalError, "internal"],
  [CLOSE_CODES.serviceRestart, "draining"],
  [CLOSE_CODES.tryAgainLater, "overloaded"],
  [CLOSE_CODES.handshakeTimeout, "handshake_timeout"],
  [CLOSE_CODES.heartbeatTimeout, "heartbeat_timeout"],
  [CLOSE_CODES.superseded, "superseded"],
  [CLOSE_CODES.unauthenticated, "unauthenticated"],
  [CLOSE_CODES.forbidden, "forbidden"],
  [CLOSE_CODES.unsupportedVersion, "unsupported_version"],
  [CLOSE_CODES.windowExceeded, "window_exceeded"],
  [CLOSE_CODES.slowConsumer, "slow_consumer"],
  [CLOSE_CODES.storeFull, "store_full"],
  [CLOSE_CODES.storeUnavailable, "store_unavailable"],
  [CLOSE_CODES.storeRolledBack, "store_rolled_back"],
  [CLOSE_CODES.agentRemoved, "agent_removed"],
]);

/** The close code for an error (PROTOCOL.md, Close codes). */
export function closeCodeFor(code: ErrorCode): CloseCode {
  return CLOSE_CODE_BY_ERROR[code];
}

/** The error of a received close code; undefined for a clean close and for unknown codes. */
export function errorCodeForClose(code: number): ErrorCode | undefined {
  return ERROR_BY_CLOSE_CODE.get(code);
}
