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
  for (const [name, value] of Object.entries(headers)) refuseOver(extraHeaderProblem(name, value));
  if (shown === undefined) return headers;
  refuseOver(valueProblem("authorization", shown));
  return { ...headers, authorization: shown };
}

/**
 * Why a header cannot be among those that gateways are shown, for people; undefined where it can.
 * The name is in it, and the value is not.
 */
export function extraHeaderProblem(name: string, value: string): string | undefined {
  if (RESERVED.test(name)) return `the header ${name} cannot be among the extra headers`;
  try {
    validateHeaderName(name);
  } catch {
    return `the extra header ${JSON.stringify(name.slice(0, 64))} is not one that HTTP can carry`;
  }
  return valueProblem(name, value);
}

/** @param value as it came from outside, where the types do not hold */
function valueProblem(name: string, value: unknown): string | undefined {
  if (typeof value === "string" && PRINTABLE.test(value)) return undefined;
  return `the value of the header ${name} must be printable ASCII, without a blank at either end`;
}

function refuseOver(problem: string | undefined): void {
  if (problem !== undefined) throw new HawserError("connection_failed", problem);
}
