import { HawserError } from "@hawser/protocol";

/** Carries an error whose event is to be refused for good, whatever its code. */
export class Rejection extends Error {
  readonly error: HawserError;

  constructor(error: HawserError) {
    super(error.message);
    this.error = error;
  }
}

export function rejection(code: "no_handler" | "forbidden", message: string): Rejection {
  return new Rejection(new HawserError(code, message));
}

/** True for what a handler throws to refuse for good. */
export function isHandlerRejection(thrown: unknown): thrown is HawserError {
  if (!(thrown instanceof HawserError)) return false;
  return thrown.code === "handler_rejected" || thrown.code === "kind_disabled";
}
