import { validateHeaderName } from "node:http";
import { HawserError } from "@hawser/protocol";

/** Headers of a request beside those of the protocol. */
export type ExtraHeaders = Readonly<Record<string, string>>;

/**
 * Headers that a transport sets itself, that belong to one hop (RFC 9113, section 8.2.2) and make
 * HTTP/2 throw, or that have a setting of their own. gRPC reserves `-bin` for bytes in base64.
 */
const RESERVED =
  /^(?:host|connection|keep-alive|proxy-connection|http2-settings|upgrade|te|trailer|expect|authorization|origin|content-(?:length|type|encoding)|transfer-encoding|sec-websocket-.*|grpc-.*|.*-bin)$/i;

/** Values both transports carry; HTTP/2 allows no blank at either end (RFC 9113, section 8.2.1). */
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
 * Why a header cannot be an extra header, for people; undefined where it can. Names the header,
 * never its value.
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
