import { HawserError, thrownText } from "@hawser/protocol";
import { member, text } from "../json-member.js";
import { WatchFailure } from "../watch-failure.js";

const DENIED = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]);
const NOT_FOUND = new Set(["TargetGroupNotFound", "TargetGroupNotFoundException"]);

/**
 * What an API call threw. Throttling, 5xx, timeouts and the unknown are tried again; what needs a person is `denied`.
 *
 * @param retryAfterMs what the API asked to be left alone for
 */
export function elbFailure(action: string, thrown: unknown, retryAfterMs?: number): WatchFailure {
  const name = thrown instanceof Error ? thrown.name : "unknown";
  const said = thrownText(thrown);
  if (DENIED.has(name)) {
    const message = `the IAM action elasticloadbalancing:${action} is not allowed: add it to the task role`;
    return WatchFailure.denied("forbidden", message, thrown);
  }
  if (NOT_FOUND.has(name))
    return WatchFailure.denied("not_found", `the target group does not exist: ${said}`, thrown);
  const code = thrown instanceof HawserError ? thrown.code : "connection_failed";
  const status = member(thrown, "$metadata", "httpStatusCode");
  const how = typeof status === "number" ? `${name} (HTTP ${status})` : name;
  const error = new HawserError(code, `${action} failed: ${how}: ${said}`, { cause: thrown });
  return new WatchFailure("retry", error, retryAfterMs);
}

/** The header of the answer that the SDK could not use; it keeps the answer with the error, but not among the members that are listed. */
export function retryAfterOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("$response" in thrown)) return undefined;
  return text(member(thrown.$response, "headers", "retry-after"));
}
