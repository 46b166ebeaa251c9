export { withinLimits, type CallFailure, type CallLimits } from "./call-limits.js";
export { systemClock, type Clock } from "./clock.js";
export { defined, type Defined } from "./defined.js";
export {
  hostAllowList,
  hostNameOf,
  isLoopbackHost,
  refusedSource,
  type HostAllowList,
  type RequestSource,
} from "./host-allow-list.js";
export { entryLogger, type LogEntry } from "./entry-logger.js";
export { fullJitter, type Backoff } from "./full-jitter.js";
export { guarded } from "./guarded.js";
export { KeyedQueue } from "./keyed-queue.js";
export { Latest } from "./latest.js";
export { MAX_LOG_STRING_LENGTH, shortFields } from "./log-fields.js";
export { limitedLogger, type LimitedLoggerOptions } from "./limited-logger.js";
export type { DisposableLifecycle, Lifecycle } from "./lifecycle.js";
export {
  DEFAULT_LOG_BURST,
  DEFAULT_LOG_LINES_PER_SECOND,
  DEFAULT_MAX_LOG_KEYS,
  LogLimiter,
  type LogLimits,
  type LogVerdict,
} from "./log-limiter.js";
export {
  LOG_LEVELS,
  silentLogger,
  type LogFields,
  type Logger,
  type LogLevel,
} from "./logger.js";
export { makeDirectories, makeDirectoriesSync } from "./make-directories.js";
export { pause } from "./pause.js";
export { escapedJson, printable, printableJson, printableLine } from "./printable.js";
export { seededRandom, systemRandom, type Random } from "./random.js";
export { COLOURED_LINES, PLAIN_LINES, readableLine, type LinePaint } from "./readable-line.js";
export { systemRuntime, withLogger, type Runtime } from "./runtime.js";
export { tellObserver } from "./tell-observer.js";
export { MAX_TIMER_DELAY_MS, systemTimers, type Timer, type Timers } from "./timers.js";
export { traced, type TraceScope } from "./traced.js";
export { MAX_UNIX_PATH_BYTES, unixPathProblem } from "./unix-path.js";
export { TokenBucket, type RateAt } from "./token-bucket.js";
export { TurnQueue } from "./turn-queue.js";
export { TurnShare, type TurnRate } from "./turn-share.js";
export { WakeTimer } from "./wake-timer.js";
export { warningLogger } from "./warning-logger.js";
