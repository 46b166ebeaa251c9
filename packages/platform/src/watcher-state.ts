import type { HawserError } from "@hawser/protocol";

/** Which platform spoke. */
export type PlatformSource = "elb" | "kubernetes";

/** The platform is about to take this process away. */
export interface DrainSignal {
  readonly source: PlatformSource;
  /** One line for the log and the drain's report. */
  readonly reason: string;
  /** When it was noticed, Unix milliseconds. */
  readonly at: number;
}

/** Where a watcher stands. Times are Unix milliseconds. */
export type PlatformWatcherState =
  | { readonly kind: "starting" }
  /** `waitingFor` says what has not been seen yet, such as a target that is not registered. */
  | { readonly kind: "watching"; readonly waitingFor?: string }
  /** It cannot see. That is never taken for a drain. */
  | {
      readonly kind: "degraded";
      readonly error: HawserError;
      readonly since: number;
      readonly nextTryAt: number;
    }
  | ({ readonly kind: "draining" } & DrainSignal)
  | { readonly kind: "stopped" };
