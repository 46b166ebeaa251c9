export type { OwnTarget } from "./own-target.js";
export {
  DEFAULT_POLL_INTERVAL_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  isTargetGroupArn,
  type ElbSourceOptions,
} from "./elb-source.js";
export { createElbWatcher, type ElbWatcher, type ElbWatcherOptions } from "./elb-watcher.js";
export type { ElbLimits } from "./elb-limits.js";
