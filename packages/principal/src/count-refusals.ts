import { HawserError } from "@hawser/protocol";
import type { PrincipalObserver } from "./principal-observer.js";

/** Runs a check of what a publisher handed in; a refusal is counted before it is thrown on. */
export function countRefusals<T>(observer: PrincipalObserver, agent: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    observer.rejected?.(agent, HawserError.from(thrown).code);
    throw thrown;
  }
}
