import { CLOSE_CODES, type CloseCode } from "./close-codes.js";

/** The trailer (server to client) that carries the close code beside the gRPC status. */
export const GRPC_CLOSE_CODE_TRAILER = "hawser-close-code";

/** The gRPC status number a server ends the stream with, by close code (PROTOCOL.md, gRPC). */
export const GRPC_STATUS_BY_CLOSE_CODE: Readonly<Record<CloseCode, number>> = {
  [CLOSE_CODES.normal]: 0, // OK
  [CLOSE_CODES.goingAway]: 0, // OK
  [CLOSE_CODES.protocolError]: 3, // INVALID_ARGUMENT
  [CLOSE_CODES.unsupportedData]: 3, // INVALID_ARGUMENT
  [CLOSE_CODES.invalidPayload]: 3, // INVALID_ARGUMENT
  [CLOSE_CODES.policyViolation]: 7, // PERMISSION_DENIED
  [CLOSE_CODES.frameTooLarge]: 8, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.internalError]: 13, // INTERNAL
  [CLOSE_CODES.serviceRestart]: 14, // UNAVAILABLE
  [CLOSE_CODES.tryAgainLater]: 14, // UNAVAILABLE
  [CLOSE_CODES.handshakeTimeout]: 4, // DEADLINE_EXCEEDED
  [CLOSE_CODES.heartbeatTimeout]: 4, // DEADLINE_EXCEEDED
  [CLOSE_CODES.superseded]: 10, // ABORTED
  [CLOSE_CODES.unauthenticated]: 16, // UNAUTHENTICATED
  [CLOSE_CODES.forbidden]: 7, // PERMISSION_DENIED
  [CLOSE_CODES.unsupportedVersion]: 9, // FAILED_PRECONDITION
  [CLOSE_CODES.windowExceeded]: 8, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.slowConsumer]: 8, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.storeFull]: 8, // RESOURCE_EXHAUSTED
  [CLOSE_CODES.storeUnavailable]: 14, // UNAVAILABLE
  [CLOSE_CODES.storeRolledBack]: 15, // DATA_LOSS
  [CLOSE_CODES.agentRemoved]: 5, // NOT_FOUND
};

/**
 * Meaning of a status without the trailer, from a proxy or before the stream began. A status that
 * is not listed counts as a lost connection.
 */
export const CLOSE_CODE_BY_GRPC_STATUS: Readonly<Record<number, CloseCode>> = {
  0: CLOSE_CODES.normal,
  7: CLOSE_CODES.forbidden,
  16: CLOSE_CODES.unauthenticated,
};
