import { shortFields } from "./log-fields.js";
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from "./logger.js";

/** A log entry: `time` is ISO 8601 in UTC, `msg` the sentence; the fields are members. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/**
 * A logger that passes its entries to a function, for a program with its own log and for tests.
 * Strings are cut after `MAX_LOG_STRING_LENGTH`; errors are passed unchanged.
 * @param level the lowest level that is logged
 * @param fields on every entry
 */
export function entryLogger(
  level: LogLevel,
  tell: (entry: LogEntry) => void,
  fields: LogFields = {},
): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const at =
    (name: LogLevel) =>
    (more: LogFields, msg: string): void => {
      if (LOG_LEVELS.indexOf(name) < least) return;
      tell({ level: name, time: new Date().toISOString(), ...shortFields({ ...fields, ...more }), msg });
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (more) => entryLogger(level, tell, { ...fields, ...more }),
  };
}
