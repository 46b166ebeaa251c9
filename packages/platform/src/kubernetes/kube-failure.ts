import { HawserError } from "@hawser/protocol";
import { WatchFailure } from "../watch-failure.js";
import { member } from "./kube-object.js";

/** The code of a thrown API error: `code` of its calls, `statusCode` of its watches. */
export function statusOf(thrown: unknown): number | undefined {
  const status = member(thrown, "statusCode") ?? member(thrown, "code");
  return typeof status === "number" ? status : undefined;
}

/** @param rule the RBAC rule that is needed, for people */
export function kubeFailure(what: string, rule: string, thrown: unknown): WatchFailure {
  if (thrown instanceof WatchFailure) return thrown;
  const status = statusOf(thrown);
  if (status === 403 || status === 401) {
    const message =
      status === 403
        ? `the API server refuses to ${what}: the service account needs the RBAC rule ${rule}`
        : `the API server does not know who asks to ${what}: mount the service account token`;
    return new WatchFailure(
      "denied",
      new HawserError(status === 403 ? "forbidden" : "unauthenticated", message, { cause: thrown }),
    );
  }
  const why =
    status === undefined ? (thrown instanceof Error ? thrown.message : String(thrown)) : `HTTP ${status}`;
  return new WatchFailure(
    "retry",
    new HawserError("connection_failed", `could not ${what}: ${why}`, { cause: thrown }),
  );
}
