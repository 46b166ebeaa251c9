export { DEFAULT_WATCH_BACKOFF, type WatcherOptions } from "./drain-watcher.js";
export {
  checkPlatformWindows,
  DEFAULT_KEEP_ALIVE_MS,
  type DrainWindows,
  type PlatformLimits,
  type PlatformWindows,
} from "./platform-windows.js";
export type { DrainSignal, PlatformSource, PlatformWatcherState } from "./watcher-state.js";
