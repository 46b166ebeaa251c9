export type { OwnTarget } from "./own-target.js";
export {
  createElbWatcher,
  DEFAULT_POLL_INTERVAL_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  isTargetGroupArn,
  type ElbWatcher,
  type ElbWatcherOptions,
} from "./elb-watcher.js";
export type { ElbLimits } from "./elb-limits.js";
