import { CLOSE_CODES, LIMITS, type CloseCode, type ErrorCode, type HawserError } from "@hawser/protocol";

/** The refusals that no waiting mends. */
export const REFUSAL_CODES = [
  "unauthenticated",
  "forbidden",
  "invalid_agent_name",
  "unsupported_version",
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export function isRefusal(code: ErrorCode): code is RefusalCode {
  return REFUSAL_CODES.some((refusal) => refusal === code);
}

// Codes not named here are troubles of our own, of which the peer learns no more than that there was one.
const CLOSE_CODE_OF: Partial<Record<ErrorCode, CloseCode>> = {
  invalid_message: CLOSE_CODES.protocolError,
  unknown_type: CLOSE_CODES.protocolError,
  invalid_event: CLOSE_CODES.invalidPayload,
  missing_resourceid: CLOSE_CODES.invalidPayload,
  invalid_eventid: CLOSE_CODES.invalidPayload,
  event_too_large: CLOSE_CODES.frameTooLarge,
  frame_too_large: CLOSE_CODES.frameTooLarge,
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
  draining: CLOSE_CODES.serviceRestart,
  overloaded: CLOSE_CODES.tryAgainLater,
  mailbox_full: CLOSE_CODES.tryAgainLater,
  store_full: CLOSE_CODES.tryAgainLater,
  store_unavailable: CLOSE_CODES.tryAgainLater,
};

/** The code a connection is closed with because of an error (PROTOCOL.md, Close codes); 1011 for everything that is not the peer's doing. */
export function closeCodeOf(code: ErrorCode): CloseCode {
  return CLOSE_CODE_OF[code] ?? CLOSE_CODES.internalError;
}

/** What a peer meant that closed with this code, as far as the code alone tells. */
export function errorCodeOfClose(code: number): ErrorCode {
  return ERROR_CODE_OF.get(code) ?? "connection_closed";
}

const ERROR_CODE_OF: ReadonlyMap<number, ErrorCode> = new Map([
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
]);

/**
 * The text beside the close code. The message of an error that is not the peer's doing stays here: it may name files and hosts.
 */
export function closeReasonOf(error: HawserError): string {
  const own =
    CLOSE_CODE_OF[error.code] === undefined || closeCodeOf(error.code) === CLOSE_CODES.tryAgainLater;
  return cutToBytes(own ? error.code : error.message, LIMITS.maxReasonLength);
}

/** The longest beginning that takes at most `maxBytes` in UTF-8 and splits no character: a WebSocket close frame has no room for more. */
export function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}
