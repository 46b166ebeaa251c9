import { entryLogger, type LogEntry } from "./entry-logger.js";
import type { Logger } from "./logger.js";
import { readableLine } from "./readable-line.js";

/** Causes shown of one error. */
const MAX_CAUSES = 8;

/**
 * Warnings and errors as readable lines on standard error: the default logger of an agent and a
 * principal, because a new program makes its first mistakes without a logger.
 */
export function warningLogger(): Logger {
  return entryLogger("warn", (entry) => void process.stderr.write(`${readableLine(jsonOf(entry))}\n`));
}

/** Foreign errors are logged, so a line is made whatever their fields do. */
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

/** The message of an error and of its causes. */
function messageOf({ message, cause }: Error, left = MAX_CAUSES): string {
  return cause instanceof Error && left > 0 ? `${message}: ${messageOf(cause, left - 1)}` : message;
}
