import type { HawserError } from "@hawser/protocol";

/** The platform of a signal. */
export type PlatformSource = "elb" | "kubernetes";

/** The platform is about to stop this process. */
export interface DrainSignal {
  readonly source: PlatformSource;
  /** One line for the log and the report of the drain. */
  readonly reason: string;
  /** Time of detection, Unix milliseconds. */
  readonly at: number;
}

/** State of a watcher. Times are Unix milliseconds. */
export type PlatformWatcherState =
  | { readonly kind: "starting" }
  /** `waitingFor` names what is still missing, such as a registered target. */
  | { readonly kind: "watching"; readonly waitingFor?: string }
  /** Its looks fail. That never counts as a drain. */
  | {
      readonly kind: "degraded";
      readonly error: HawserError;
      readonly since: number;
      readonly nextTryAt: number;
    }
  | ({ readonly kind: "draining" } & DrainSignal)
  | { readonly kind: "stopped" };
