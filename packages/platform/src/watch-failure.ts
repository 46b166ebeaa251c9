import type { HawserError } from "@hawser/protocol";

/** A round that failed. `denied`: somebody has to change something, so it is loud and the wait is long. */
export class WatchFailure extends Error {
  readonly kind: "retry" | "denied";
  override readonly cause: HawserError;

  constructor(kind: "retry" | "denied", cause: HawserError) {
    super(cause.message);
    this.kind = kind;
    this.cause = cause;
  }
}
