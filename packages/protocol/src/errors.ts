import { CLOSE_CODES, type CloseCode } from "./close-codes.js";

/**
 * Every error code, with the close code of a connection that ends with it. The set is closed: a new
 * code is documented in PROTOCOL.md (Errors), and a test compares that table with this one.
 */
export const CLOSE_CODE_BY_ERROR = {
  invalid_event: CLOSE_CODES.invalidPayload,
  missing_resourceid: CLOSE_CODES.protocolError,
  invalid_eventid: CLOSE_CODES.protocolError,
  unknown_type: CLOSE_CODES.protocolError,
  invalid_message: CLOSE_CODES.protocolError,
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
  inbox_full: CLOSE_CODES.tryAgainLater,
  store_full: CLOSE_CODES.storeFull,
  store_unavailable: CLOSE_CODES.storeUnavailable,
  store_corrupt: CLOSE_CODES.internalError,
  store_rolled_back: CLOSE_CODES.storeRolledBack,
  agent_removed: CLOSE_CODES.agentRemoved,
  conflict: CLOSE_CODES.internalError,
  not_found: CLOSE_CODES.internalError,
  expired: CLOSE_CODES.internalError,
  no_handler: CLOSE_CODES.internalError,
  kind_disabled: CLOSE_CODES.internalError,
  handler_failed: CLOSE_CODES.internalError,
  handler_rejected: CLOSE_CODES.internalError,
  port_in_use: CLOSE_CODES.internalError,
  address_unavailable: CLOSE_CODES.internalError,
  connection_failed: CLOSE_CODES.internalError,
  connection_closed: CLOSE_CODES.internalError,
  invalid_config: CLOSE_CODES.internalError,
  invalid_state: CLOSE_CODES.internalError,
  timeout: CLOSE_CODES.internalError,
  aborted: CLOSE_CODES.internalError,
  internal: CLOSE_CODES.internalError,
} as const satisfies Readonly<Record<string, CloseCode>>;

/** One of the closed set of codes (PROTOCOL.md, Errors). */
export type ErrorCode = keyof typeof CLOSE_CODE_BY_ERROR;

/** All error codes, in the order of PROTOCOL.md. */
export const ERROR_CODES = Object.keys(CLOSE_CODE_BY_ERROR) as unknown as readonly [
  ErrorCode,
  ...ErrorCode[],
];

/** The subject of the error, under the names of the log fields. */
export interface ErrorContext {
  readonly agent?: string;
  readonly resource_id?: string;
  readonly event_id?: string;
}

/** Context and cause of an error. */
export interface HawserErrorOptions extends ErrorContext {
  readonly cause?: unknown;
}

/** The only error class. `message` says what to do; `cause` keeps the original error. */
export class HawserError extends Error {
  override readonly name = "HawserError";
  readonly code: ErrorCode;
  readonly agent: string | undefined;
  readonly resource_id: string | undefined;
  readonly event_id: string | undefined;

  constructor(code: ErrorCode, message: string, options: HawserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.agent = options.agent;
    this.resource_id = options.resource_id;
    this.event_id = options.event_id;
  }

  /** Any thrown value as a HawserError, wrapped under `code` unless it is one. Never throws. */
  static from(thrown: unknown, code: ErrorCode = "internal"): HawserError {
    return isHawserError(thrown) ? thrown : new HawserError(code, thrownText(thrown), { cause: thrown });
  }
}

// `instanceof` runs foreign code when the value is a proxy.
function isHawserError(thrown: unknown): thrown is HawserError {
  try {
    return thrown instanceof HawserError;
  } catch {
    return false;
  }
}

/**
 * The message of a thrown value, for every catch of foreign code. Never throws: a value without a
 * readable message gets a fixed text.
 */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something was thrown that has no words";
  }
}

/** True for a code of this version of the protocol. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(CLOSE_CODE_BY_ERROR, value);
}

/** The error of a second `start`. @param what the component, such as `this agent` */
export function startedTwice(what: string, context: ErrorContext = {}): HawserError {
  const message = `${what} has been started already; stop it before you start it again`;
  return new HawserError("invalid_state", message, context);
}
