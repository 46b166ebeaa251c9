/**
 * Every way something can go wrong, by name. The set is closed: adding one means documenting it in PROTOCOL.md (Errors),
 * and a test holds the two against each other.
 */
export const ERROR_CODES = [
  "invalid_event",
  "missing_resourceid",
  "invalid_eventid",
  "unknown_type",
  "invalid_message",
  "event_too_large",
  "frame_too_large",
  "unsupported_subprotocol",
  "unsupported_version",
  "unauthenticated",
  "forbidden",
  "invalid_agent_name",
  "window_exceeded",
  "slow_consumer",
  "handshake_timeout",
  "heartbeat_timeout",
  "superseded",
  "draining",
  "overloaded",
  "mailbox_full",
  "inbox_full",
  "store_full",
  "store_unavailable",
  "store_corrupt",
  "store_rolled_back",
  "agent_removed",
  "conflict",
  "not_found",
  "expired",
  "no_handler",
  "kind_disabled",
  "handler_failed",
  "handler_rejected",
  "port_in_use",
  "address_unavailable",
  "connection_failed",
  "connection_closed",
  "invalid_config",
  "invalid_state",
  "timeout",
  "aborted",
  "internal",
] as const;

/** One of the closed set of codes (PROTOCOL.md, Errors). */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What the error is about; the names are those of the log fields. */
export interface ErrorContext {
  readonly agent?: string;
  readonly resource_id?: string;
  readonly event_id?: string;
}

export interface HawserErrorOptions extends ErrorContext {
  readonly cause?: unknown;
}

/** The one error class. `message` says what happened and what to do about it; `cause` keeps what was caught. */
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

  /** Whatever was thrown, as a HawserError: itself if it is one, else wrapped under `code` with its message kept. Never throws. */
  static from(thrown: unknown, code: ErrorCode = "internal"): HawserError {
    return isHawserError(thrown) ? thrown : new HawserError(code, thrownText(thrown), { cause: thrown });
  }
}

// To ask for its class runs code of whoever made it, where it is a proxy.
function isHawserError(thrown: unknown): thrown is HawserError {
  try {
    return thrown instanceof HawserError;
  } catch {
    return false;
  }
}

/**
 * What was thrown, in words: the message of an error, else the value as a string. Never throws, whatever that is: of an object without a prototype, or an error whose message
 * throws, it says only that there are no words. To be used wherever something is caught that others may have thrown.
 */
export function thrownText(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something was thrown that has no words";
  }
}

/** Whether a code from outside is one of ours. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && (ERROR_CODES as readonly string[]).includes(value);
}

/** What refuses a second `start` while the first one holds. @param what whose start it is, such as `this agent` */
export function startedTwice(what: string, context: ErrorContext = {}): HawserError {
  const message = `${what} has been started already; stop it before you start it again`;
  return new HawserError("invalid_state", message, context);
}
