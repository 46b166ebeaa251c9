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

/** `json`: one JSON object a line, for machines; `pretty`: time, level, message and fields, for people. */
export type LogFormat = "json" | "pretty";

/** What a logger says of its program, and how much. */
export interface LoggerOptions {
  /** @default "info" */
  readonly level?: LogLevel;
  /** @default "json" */
  readonly format?: LogFormat;
  /** Whether `pretty` sets warnings, errors and fields off by what a terminal shows as colours. @default false */
  readonly colours?: boolean;
  /** Fields on every line, such as the name of the service. */
  readonly base?: LogFields;
  /** Fields of the moment, asked for on every line that is written, such as the trace at work. @default none */
  readonly context?: () => LogFields;
  /** Where lines go. @default standard output */
  readonly write?: (line: string) => void;
}

/**
 * A logger over pino that writes JSON lines, or lines for people. What a terminal would obey is in the strings of its lines as a visible escape (`\x1b`), so that a peer cannot reach the
 * terminal of whoever reads a log with `jq -r` or pino-pretty.
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

/** Whoever logs what others threw is often the last who can: that has to hold whatever it is. */
function errorFields(thrown: Error): unknown {
  try {
    return pino.stdSerializers.err(thrown);
  } catch {
    return "something was thrown that cannot be shown";
  }
}
