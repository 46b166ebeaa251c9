import { HawserError, thrownText } from "@hawser/protocol";
import { member, text } from "../json-member.js";
import { WatchFailure } from "../watch-failure.js";

const DENIED = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]);
const NOT_FOUND = new Set(["TargetGroupNotFound", "TargetGroupNotFoundException"]);

/**
 * The failure of an API call: `denied` if an operator must act, otherwise retried.
 * @param retryAfterMs delay requested by the API
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

/** The response's header. The SDK keeps the response in a non-enumerable member of the error. */
export function retryAfterOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("$response" in thrown)) return undefined;
  return text(member(thrown.$response, "headers", "retry-after"));
}
