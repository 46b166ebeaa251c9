import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import { HawserError } from "@hawser/protocol";
import { overloaded, type RetryAfter } from "@hawser/transport";
import { decodeGrpcMessage, GRPC_STATUS, parseNumber, PUSHBACK_HEADER } from "./service.js";

/** What a response that does not begin a stream means for the agent (PROTOCOL.md, gRPC). */
export function refusedDial(
  target: string,
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader,
): HawserError {
  const status = parseNumber(headers["grpc-status"]?.toString());
  const http = headers[":status"];
  const said = cleaned(decodeGrpcMessage(headers["grpc-message"]?.toString()));
  const what = status === undefined ? `HTTP status ${http}` : `gRPC status ${status}`;
  const message = `${target} answered with ${what}${said === "" ? "" : `: ${said}`}`;
  if (status === GRPC_STATUS.unauthenticated || http === 401)
    return new HawserError("unauthenticated", message);
  if (status === GRPC_STATUS.permissionDenied || http === 403) return new HawserError("forbidden", message);
  const asked = retryAfter(headers);
  return asked === undefined ? new HawserError("connection_failed", message) : overloaded(message, asked);
}

function retryAfter(headers: IncomingHttpHeaders): RetryAfter | undefined {
  const pushback = parseNumber(headers[PUSHBACK_HEADER]);
  if (pushback !== undefined) return { retryAfterMs: pushback, slot: true };
  const seconds = parseNumber(headers["retry-after"]);
  return seconds === undefined ? undefined : { retryAfterMs: seconds * 1000, slot: false };
}

/** What a stranger wrote must not forge log lines. */
function cleaned(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
}
