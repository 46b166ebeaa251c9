import { entryLogger, type LogEntry } from "./entry-logger.js";
import type { Logger } from "./logger.js";
import { readableLine } from "./readable-line.js";

/** Errors that caused an error; what is behind them is left out. */
const MAX_CAUSES = 8;

/**
 * What goes wrong, in lines for people on standard error: the default of an agent and of a principal that are given no runtime. The first mistake of a program is the one that it has no
 * logger for yet.
 */
export function warningLogger(): Logger {
  return entryLogger("warn", (entry) => void process.stderr.write(`${readableLine(jsonOf(entry))}\n`));
}

/** The program logs what others threw, so a line is made whatever its fields do. */
function jsonOf(entry: LogEntry): string {
  try {
    return JSON.stringify(entry, (_name, value: unknown) => shown(value));
  } catch {
    const { level, time, msg } = entry;
    return JSON.stringify({ level, time, msg, err: "something was thrown that cannot be shown" });
  }
}

function shown(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  const { name: type } = value.constructor;
  return Object.assign({}, value, { type, message: messageOf(value), stack: value.stack });
}

/** The message of an error with those of its causes behind it. */
function messageOf({ message, cause }: Error, left = MAX_CAUSES): string {
  return cause instanceof Error && left > 0 ? `${message}: ${messageOf(cause, left - 1)}` : message;
}
