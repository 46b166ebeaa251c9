import { CLOSE_CODES, type CloseCode } from "./close-codes.js";
import type { ErrorCode } from "./errors.js";

const { protocolError, invalidPayload, frameTooLarge, internalError, serviceRestart, tryAgainLater } =
  CLOSE_CODES;

const CLOSE_CODE_BY_ERROR: Readonly<Record<ErrorCode, CloseCode>> = {
  invalid_event: invalidPayload,
  missing_resourceid: protocolError,
  invalid_eventid: protocolError,
  unknown_type: protocolError,
  invalid_message: protocolError,
  event_too_large: frameTooLarge,
  frame_too_large: frameTooLarge,
  unsupported_subprotocol: CLOSE_CODES.unsupportedData,
  unsupported_version: CLOSE_CODES.unsupportedVersion,
  unauthenticated: CLOSE_CODES.unauthenticated,
  forbidden: CLOSE_CODES.forbidden,
  invalid_agent_name: CLOSE_CODES.forbidden,
  window_exceeded: CLOSE_CODES.windowExceeded,
  slow_consumer: CLOSE_CODES.slowConsumer,
  handshake_timeout: CLOSE_CODES.handshakeTimeout,
  heartbeat_timeout: CLOSE_CODES.heartbeatTimeout,
  superseded: CLOSE_CODES.superseded,
  draining: serviceRestart,
  overloaded: tryAgainLater,
  mailbox_full: tryAgainLater,
  inbox_full: tryAgainLater,
  store_full: CLOSE_CODES.storeFull,
  store_unavailable: CLOSE_CODES.storeUnavailable,
  store_corrupt: internalError,
  store_rolled_back: CLOSE_CODES.storeRolledBack,
  agent_removed: CLOSE_CODES.agentRemoved,
  conflict: internalError,
  not_found: internalError,
  expired: internalError,
  no_handler: internalError,
  kind_disabled: internalError,
  handler_failed: internalError,
  handler_rejected: internalError,
  port_in_use: internalError,
  address_unavailable: internalError,
  connection_failed: internalError,
  connection_closed: internalError,
  invalid_config: internalError,
  invalid_state: internalError,
  timeout: internalError,
  aborted: internalError,
  internal: internalError,
};

const ERROR_BY_CLOSE_CODE: ReadonlyMap<number, ErrorCode> = new Map<CloseCode, ErrorCode>([
  [protocolError, "invalid_message"],
  [CLOSE_CODES.unsupportedData, "unsupported_subprotocol"],
  [invalidPayload, "invalid_event"],
  [CLOSE_CODES.policyViolation, "forbidden"],
  [frameTooLarge, "frame_too_large"],
  [internalError, "internal"],
  [serviceRestart, "draining"],
  [tryAgainLater, "overloaded"],
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

/** The code to close a connection with because of an error (PROTOCOL.md, Close codes). */
export function closeCodeFor(code: ErrorCode): CloseCode {
  return CLOSE_CODE_BY_ERROR[code];
}

/** What a close code received from the peer means. Undefined for a clean close and for codes this protocol does not name. */
export function errorCodeForClose(code: number): ErrorCode | undefined {
  return ERROR_BY_CLOSE_CODE.get(code);
}
