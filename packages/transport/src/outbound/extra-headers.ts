import { validateHeaderName } from "node:http";
import { HawserError } from "@hawser/protocol";

/** What a request may carry beside what the protocol needs. */
export type ExtraHeaders = Readonly<Record<string, string>>;

/**
 * What the request itself needs on one transport or the other, what belongs to one hop (RFC 9113,
 * section 8.2.2) and makes HTTP/2 throw, and what has a setting of its own. gRPC takes `-bin` for
 * bytes in base64.
 */
const RESERVED =
  /^(?:host|connection|keep-alive|proxy-connection|http2-settings|upgrade|te|trailer|expect|authorization|origin|content-(?:length|type|encoding)|transfer-encoding|sec-websocket-.*|grpc-.*|.*-bin)$/i;

/** What both transports carry as it is; HTTP/2 takes no blank at either end (RFC 9113, section 8.2.1). */
const PRINTABLE = /^(?! )[ -~]*(?<! )$/;

/**
 * Asks for the headers of a request to connect, and checks that both transports can carry them.
 *
 * @param extra the headers that gateways want
 * @param authorization the header of that name
 * @throws HawserError `connection_failed` naming the header, never its value
 */
export async function requestHeaders(
  extra: (() => ExtraHeaders | Promise<ExtraHeaders>) | undefined,
  authorization: (() => string | undefined | Promise<string | undefined>) | undefined,
): Promise<ExtraHeaders> {
  const [headers = {}, shown] = await Promise.all([extra?.(), authorization?.()]);
  for (const [name, value] of Object.entries(headers)) {
    checkName(name);
    checkValue(name, value);
  }
  if (shown === undefined) return headers;
  checkValue("authorization", shown);
  return { ...headers, authorization: shown };
}

function checkName(name: string): void {
  if (RESERVED.test(name))
    throw new HawserError("connection_failed", `the header ${name} cannot be among the extra headers`);
  try {
    validateHeaderName(name);
  } catch {
    const shown = JSON.stringify(name.slice(0, 64));
    throw new HawserError("connection_failed", `the extra header ${shown} is not one that HTTP can carry`);
  }
}

/** @param value as it came from outside, where the types do not hold */
function checkValue(name: string, value: unknown): void {
  if (typeof value === "string" && PRINTABLE.test(value)) return;
  throw new HawserError(
    "connection_failed",
    `the value of the header ${name} must be printable ASCII, without a blank at either end`,
  );
}
