import { HawserError, type ErrorCode } from "@hawser/protocol";

/** An error whose HTTP status says more than its code does. */
export class HttpError extends HawserError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message);
    this.status = status;
    this.headers = headers;
  }
}
