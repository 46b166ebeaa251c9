import { HawserError, type ErrorCode, type HawserErrorOptions } from "@hawser/protocol";

/** What goes with the error, and headers of the answer. */
export interface HttpErrorOptions extends HawserErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error whose HTTP status says more than its code does. */
export class HttpError extends HawserError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: ErrorCode, message: string, options: HttpErrorOptions = {}) {
    super(code, message, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}
