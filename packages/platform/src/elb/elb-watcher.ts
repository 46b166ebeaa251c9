import { systemRuntime, type Lifecycle } from "@hawser/runtime";
import { DrainWatcher, type WatcherOptions } from "../drain-watcher.js";
import type { PlatformWatcherState } from "../watcher-state.js";
import type { ElbLimits } from "./elb-limits.js";
import { ElbSource, type ElbSourceOptions } from "./elb-source.js";

/** The target groups to watch, and the callbacks. */
export type ElbWatcherOptions = WatcherOptions & ElbSourceOptions;

/** Watches the own target in its target groups, from `start` to `stop`. */
export interface ElbWatcher extends Lifecycle {
  readonly state: PlatformWatcherState;
  /** Input of `checkPlatformWindows`, as far as readable. After `start`. */
  limits(): Promise<ElbLimits>;
}

/**
 * Polls DescribeTargetHealth and reports when the own target is `draining` or leaves a group.
 * SIGTERM would be too late for a drain behind an Application Load Balancer. `start` throws
 * HawserError `invalid_config` for unusable settings or a missing SDK.
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
