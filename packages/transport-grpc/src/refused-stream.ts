import type { Metadata, StatusObject } from "@grpc/grpc-js";
import { type HawserError, overloaded } from "@hawser/protocol";
import { refusalText, retryAfterIn } from "@hawser/transport";
import { PUSHBACK_HEADER } from "./service.js";

/**
 * The error of a stream that was refused with a time to come back (PROTOCOL.md, gRPC); undefined
 * where the answer named none.
 *
 * @param headers of the answer: a proxy that answers with a page of HTML says it there
 * @param wallTimeMs now, Unix milliseconds
 */
export function refusedStream(
  target: string,
  { code, details, metadata }: StatusObject,
  headers: Metadata,
  wallTimeMs: number,
): HawserError | undefined {
  const valueOf = (name: string): unknown => metadata.get(name)[0] ?? headers.get(name)[0];
  const times = { slotMs: valueOf(PUSHBACK_HEADER), retryAfter: valueOf("retry-after") };
  const asked = retryAfterIn(times, wallTimeMs);
  if (asked === undefined) return undefined;
  const said = refusalText(details);
  return overloaded(`${target} answered with gRPC status ${code}${said === "" ? "" : `: ${said}`}`, asked);
}
