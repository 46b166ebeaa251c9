import {
  COLOURED_LINES,
  PLAIN_LINES,
  printableJson,
  readableLine,
  shortFields,
  type LogFields,
  type Logger,
  type LogLevel,
} from "@hawser/runtime";
import { pino } from "pino";
import { standardOutput } from "./standard-output.js";

/** `json`: one object a line, for machines; `pretty`: text, for people. */
export type LogFormat = "json" | "pretty";

/** Format, level and fields of a logger. */
export interface LoggerOptions {
  /** @default "info" */
  readonly level?: LogLevel;
  /** @default "json" */
  readonly format?: LogFormat;
  /** Highlights of `pretty`. @default false */
  readonly colours?: boolean;
  /** Fields on every line, such as the name of the service. */
  readonly base?: LogFields;
  /** Fields evaluated per line, such as the active trace. @default none */
  readonly context?: () => LogFields;
  /** Where lines go. @default standard output */
  readonly write?: (line: string) => void;
}

/**
 * A pino logger of JSON or readable lines. Control characters in strings become visible escapes
 * (`\x1b`), so that no peer controls the terminal of a reader with `jq -r` or pino-pretty.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { write, context } = options;
  const settings = {
    ...(context === undefined ? {} : { mixin: context }),
    level: options.level ?? "info",
    base: options.base ?? {},
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorFields },
    formatters: { level: (label: string) => ({ level: label }), log: shortFields },
  };
  const put = write ?? standardOutput().write;
  if (options.format !== "pretty") return pino(settings, { write: (line) => put(printableJson(line)) });
  const paint = options.colours === true ? COLOURED_LINES : PLAIN_LINES;
  return pino(settings, { write: (line) => put(`${readableLine(line, paint)}\n`) });
}

/** The last handler of foreign errors must not fail itself. */
function errorFields(thrown: Error): unknown {
  try {
    return pino.stdSerializers.err(thrown);
  } catch {
    return "something was thrown that cannot be shown";
  }
}
