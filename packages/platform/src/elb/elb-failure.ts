import { HawserError } from "@hawser/protocol";
import { WatchFailure } from "../watch-failure.js";

const DENIED = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]);
const NOT_FOUND = new Set(["TargetGroupNotFound", "TargetGroupNotFoundException"]);

/** What an API call threw. Throttling, 5xx, timeouts and the unknown are tried again; what needs a person is `denied`. */
export function elbFailure(action: string, thrown: unknown): WatchFailure {
  const name = thrown instanceof Error ? thrown.name : "unknown";
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (DENIED.has(name)) {
    const message = `the IAM action elasticloadbalancing:${action} is not allowed: add it to the task role`;
    return new WatchFailure("denied", new HawserError("forbidden", message, { cause: thrown }));
  }
  if (NOT_FOUND.has(name)) {
    const message = `the target group does not exist: ${text}`;
    return new WatchFailure("denied", new HawserError("not_found", message, { cause: thrown }));
  }
  const code = thrown instanceof HawserError ? thrown.code : "connection_failed";
  return new WatchFailure(
    "retry",
    new HawserError(code, `${action} failed: ${name}: ${text}`, { cause: thrown }),
  );
}
