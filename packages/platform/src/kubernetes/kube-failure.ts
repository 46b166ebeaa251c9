import { HawserError } from "@hawser/protocol";
import { member, text } from "../json-member.js";
import { WatchFailure } from "../watch-failure.js";
import { KubeRefusal } from "./kube-client.js";

/**
 * The failure of a call: `denied` if an operator must act, otherwise retried.
 * @param what the attempt, such as `list pods in default`
 * @param rule the RBAC rule that allows it, such as `pods: list`
 */
export function kubeFailure(what: string, rule: string, thrown: unknown): WatchFailure {
  const status = thrown instanceof KubeRefusal ? thrown.status : undefined;
  // A refused connection on IPv4 and IPv6 has a code but no message.
  const words = thrown instanceof Error ? thrown.message : "";
  const said = words === "" ? (text(member(thrown, "code")) ?? "no reason given") : words;
  if (status === 403) {
    const message = `may not ${what}: the service account needs the RBAC rule '${rule}': ${said}`;
    return WatchFailure.denied("forbidden", message, thrown);
  }
  if (status === 401) {
    const message = `the API server does not know who asks to ${what}: mount the service account token: ${said}`;
    return WatchFailure.denied("unauthenticated", message, thrown);
  }
  const code = thrown instanceof HawserError ? thrown.code : "connection_failed";
  const how = status === undefined ? said : `HTTP ${status}: ${said}`;
  const askedMs = thrown instanceof KubeRefusal ? thrown.retryAfterMs : undefined;
  const error = new HawserError(code, `could not ${what}: ${how}`, { cause: thrown });
  return new WatchFailure("retry", error, askedMs);
}
