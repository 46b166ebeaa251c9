import { validateHeaderName, validateHeaderValue } from "node:http";
import { HawserError } from "@hawser/protocol";

/** What a request may carry beside what the protocol needs. */
export type ExtraHeaders = Readonly<Record<string, string>>;

/** What the request itself needs on one transport or the other, and what has a setting of its own. */
const RESERVED =
  /^(?:host|connection|upgrade|te|authorization|origin|content-(?:length|type)|transfer-encoding|sec-websocket-.*|grpc-.*)$/i;

/** @throws HawserError `connection_failed` naming the header, never its value */
export function checkExtraHeaders(headers: ExtraHeaders): ExtraHeaders {
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED.test(name))
      throw new HawserError("connection_failed", `the header ${name} cannot be among the extra headers`);
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      throw new HawserError(
        "connection_failed",
        `the extra header ${JSON.stringify(name.slice(0, 64))} is not one that HTTP can carry`,
      );
    }
  }
  return headers;
}
