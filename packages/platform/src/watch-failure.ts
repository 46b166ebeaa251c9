import { HawserError, type ErrorCode } from "@hawser/protocol";

/** A round that failed. `denied`: somebody has to change something, so it is loud and the wait is long. */
export class WatchFailure extends Error {
  readonly kind: "retry" | "denied";
  override readonly cause: HawserError;
  /** What a server that is asked too much, or is not well, wants to be left alone for. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: "retry" | "denied", cause: HawserError, retryAfterMs?: number) {
    super(cause.message);
    this.kind = kind;
    this.cause = cause;
    this.retryAfterMs = retryAfterMs;
  }

  static denied(code: ErrorCode, message: string, cause?: unknown): WatchFailure {
    return new WatchFailure("denied", new HawserError(code, message, { cause }));
  }
}
