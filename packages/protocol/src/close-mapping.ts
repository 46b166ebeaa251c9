import { CLOSE_CODES, type CloseCode } from "./close-codes.js";
import { CLOSE_CODE_BY_ERROR, type ErrorCode } from "./errors.js";

interface Meaning {
  /** The status number a gRPC server ends the stream with. */
  readonly grpcStatus: number;
  /** The error of a peer that receives the code. Absent for a clean close. */
  readonly error?: ErrorCode;
}

/** The meaning of each close code (PROTOCOL.md, Close codes). */
const MEANINGS: Readonly<Record<CloseCode, Meaning>> = {
  [CLOSE_CODES.normal]: { grpcStatus: 0 }, // OK
  [CLOSE_CODES.goingAway]: { grpcStatus: 0 }, // OK
  [CLOSE_CODES.protocolError]: { grpcStatus: 3, error: "invalid_message" }, // INVALID_ARGUMENT
  [CLOSE_CODES.unsupportedData]: { grpcStatus: 3, error: "unsupported_subprotocol" }, // INVALID_ARGUMENT
  [CLOSE_CODES.invalidPayload]: { grpcStatus: 3, error: "invalid_event" }, // INVALID_ARGUMENT
  [CLOSE_CODES.policyViolation]: { grpcStatus: 7, error: "forbidden" }, // PERMISSION_DENIED
  [CLOSE_CODES.frameTooLarge]: { grpcStatus: 8, error: "frame_too_large" }, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.internalError]: { grpcStatus: 13, error: "internal" }, // INTERNAL
  [CLOSE_CODES.serviceRestart]: { grpcStatus: 14, error: "draining" }, // UNAVAILABLE
  [CLOSE_CODES.tryAgainLater]: { grpcStatus: 14, error: "overloaded" }, // UNAVAILABLE
  [CLOSE_CODES.handshakeTimeout]: { grpcStatus: 4, error: "handshake_timeout" }, // DEADLINE_EXCEEDED
  [CLOSE_CODES.heartbeatTimeout]: { grpcStatus: 4, error: "heartbeat_timeout" }, // DEADLINE_EXCEEDED
  [CLOSE_CODES.superseded]: { grpcStatus: 10, error: "superseded" }, // ABORTED
  [CLOSE_CODES.unauthenticated]: { grpcStatus: 16, error: "unauthenticated" }, // UNAUTHENTICATED
  [CLOSE_CODES.forbidden]: { grpcStatus: 7, error: "forbidden" }, // PERMISSION_DENIED
  [CLOSE_CODES.unsupportedVersion]: { grpcStatus: 9, error: "unsupported_version" }, // FAILED_PRECONDITION
  [CLOSE_CODES.windowExceeded]: { grpcStatus: 8, error: "window_exceeded" }, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.slowConsumer]: { grpcStatus: 8, error: "slow_consumer" }, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.storeFull]: { grpcStatus: 8, error: "store_full" }, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.storeUnavailable]: { grpcStatus: 14, error: "store_unavailable" }, // UNAVAILABLE
  [CLOSE_CODES.storeRolledBack]: { grpcStatus: 15, error: "store_rolled_back" }, // DATA_LOSS
  [CLOSE_CODES.agentRemoved]: { grpcStatus: 5, error: "agent_removed" }, // NOT_FOUND
};

/** The gRPC status number of each close code (PROTOCOL.md, gRPC). */
export const GRPC_STATUS_BY_CLOSE_CODE = Object.fromEntries(
  Object.entries(MEANINGS).map(([code, { grpcStatus }]) => [code, grpcStatus]),
) as Readonly<Record<CloseCode, number>>;

/**
 * Meaning of a status without the trailer, from a proxy or before the stream began. A status that
 * is not listed counts as a lost connection.
 */
export const CLOSE_CODE_BY_GRPC_STATUS: Readonly<Record<number, CloseCode>> = {
  0: CLOSE_CODES.normal,
  7: CLOSE_CODES.forbidden,
  16: CLOSE_CODES.unauthenticated,
};

/** The trailer (server to client) that carries the close code beside the gRPC status. */
export const GRPC_CLOSE_CODE_TRAILER = "hawser-close-code";

/** The close code for an error (PROTOCOL.md, Close codes). */
export function closeCodeFor(code: ErrorCode): CloseCode {
  return CLOSE_CODE_BY_ERROR[code];
}

/** The error of a received close code; undefined for a clean close and for unknown codes. */
export function errorCodeForClose(code: number): ErrorCode | undefined {
  const meanings: Readonly<Record<number, Meaning | undefined>> = MEANINGS;
  return meanings[code]?.error;
}
