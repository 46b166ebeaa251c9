import { HawserError, type ErrorCode } from "@hawser/protocol";

/** A failed round. `denied` needs an operator, so it logs an error and waits long. */
export class WatchFailure extends Error {
  readonly kind: "retry" | "denied";
  override readonly cause: HawserError;
  /** Delay requested by an overloaded server. */
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
