import { systemRuntime, type Lifecycle } from "@hawser/runtime";
import { DrainWatcher, type WatcherOptions } from "../drain-watcher.js";
import type { PlatformWatcherState } from "../watcher-state.js";
import type { ElbLimits } from "./elb-limits.js";
import { ElbSource, type ElbSourceOptions } from "./elb-source.js";

/** What to look at, and whom to tell. */
export type ElbWatcherOptions = WatcherOptions & ElbSourceOptions;

/** Watches one's own target in its target groups, from `start` to `stop`. */
export interface ElbWatcher extends Lifecycle {
  readonly state: PlatformWatcherState;
  /** What `checkPlatformWindows` wants to know, as far as it may be read. After `start`. */
  limits(): Promise<ElbLimits>;
}

/**
 * Polls DescribeTargetHealth and tells when one's own target turns `draining`, or leaves a target group it was in: before SIGTERM, which comes too late for
 * a drain behind an Application Load Balancer. `start` throws HawserError `invalid_config` for settings that cannot work, or if the SDK is not installed.
 */
export function createElbWatcher(options: ElbWatcherOptions): ElbWatcher {
  const runtime = options.runtime ?? systemRuntime();
  const source = new ElbSource(options, runtime);
  const watcher = new DrainWatcher(source, { ...options, runtime });
  return {
    start: () => watcher.start(),
    stop: () => watcher.stop().finally(() => source.close()),
    get state() {
      return watcher.state;
    },
    limits: () => source.limits(),
  };
}
