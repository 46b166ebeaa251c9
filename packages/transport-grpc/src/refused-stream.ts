import type { Metadata, MetadataValue, StatusObject } from "@grpc/grpc-js";
import type { HawserError } from "@hawser/protocol";
import { overloaded, type RetryAfter } from "@hawser/transport";
import { parseNumber, PUSHBACK_HEADER } from "./service.js";

/**
 * The error of a stream that was refused with a time to come back (PROTOCOL.md, gRPC); undefined
 * where the answer named none.
 *
 * @param headers of the answer: a proxy that answers with a page of HTML says it there
 */
export function refusedStream(
  target: string,
  { code, details, metadata }: StatusObject,
  headers: Metadata,
): HawserError | undefined {
  const asked = retryAfter((name) => metadata.get(name)[0] ?? headers.get(name)[0]);
  if (asked === undefined) return undefined;
  const said = cleaned(details);
  return overloaded(`${target} answered with gRPC status ${code}${said === "" ? "" : `: ${said}`}`, asked);
}

function retryAfter(valueOf: (name: string) => MetadataValue | undefined): RetryAfter | undefined {
  const pushback = parseNumber(valueOf(PUSHBACK_HEADER));
  if (pushback !== undefined) return { retryAfterMs: pushback, slot: true };
  const seconds = parseNumber(valueOf("retry-after"));
  return seconds === undefined ? undefined : { retryAfterMs: seconds * 1000, slot: false };
}

/** What an unknown server wrote must not forge log lines. */
function cleaned(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").trim();
}
