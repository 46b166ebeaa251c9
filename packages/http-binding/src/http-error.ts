import { HawserError, type ErrorCode, type HawserErrorOptions } from "@hawser/protocol";

/** Context, cause and response headers of an error. */
export interface HttpErrorOptions extends HawserErrorOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error with an HTTP status of its own. */
export class HttpError extends HawserError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: ErrorCode, message: string, options: HttpErrorOptions = {}) {
    super(code, message, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}
