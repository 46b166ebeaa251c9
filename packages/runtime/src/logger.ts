import { pino } from "pino";
import { printableJson } from "./printable.js";

/**
 * The fields every log line of Hawser draws from, so that one query finds one agent, session or event everywhere.
 * Payloads and credentials are never among them.
 */
export interface LogFields {
  readonly agent?: string | undefined;
  readonly session_id?: string | undefined;
  readonly epoch?: number | undefined;
  readonly resource_id?: string | undefined;
  readonly event_id?: string | undefined;
  readonly transport?: string | undefined;
  readonly code?: string | number | undefined;
  readonly err?: unknown;
  readonly [field: string]: unknown;
}

/** Structured logging: fields first, then one sentence. A pino logger is one; so is anything with these five methods. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

/** Levels in rising order of importance; `silent` writes nothing. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
/** The least that is logged; `silent` logs nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a logger says of its program, and how much. */
export interface LoggerOptions {
  /** @default "info" */
  readonly level?: LogLevel;
  /** Fields on every line, such as the name of the service. */
  readonly base?: LogFields;
  /** Fields of the moment, asked for on every line that is written, such as the trace at work. @default none */
  readonly context?: () => LogFields;
  /** Where lines go. @default standard output */
  readonly write?: (line: string) => void;
}

/** The longest string a log field may have; the rest is cut and says so. Keeps a hostile peer from filling the disk. */
export const MAX_LOG_STRING_LENGTH = 1024;

/**
 * A JSON-lines logger over pino. What a terminal would obey is in the strings of its lines as a visible escape (`\x1b`), so that a peer cannot reach the
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
    formatters: { level: (label: string) => ({ level: label }), log: cutLongStrings },
  };
  const stdout = write === undefined ? pino.destination(1) : undefined;
  const put = write ?? ((line: string) => void stdout?.write(line));
  return pino(settings, { write: (line) => put(printableJson(line)) });
}

/** A logger that writes nothing: the default of every library package. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

/** Whoever logs what others threw is often the last who can: that has to hold whatever it is. */
function errorFields(thrown: Error): unknown {
  try {
    return pino.stdSerializers.err(thrown);
  } catch {
    return "something was thrown that cannot be shown";
  }
}

function cutLongStrings(fields: Record<string, unknown>): Record<string, unknown> {
  let result = fields;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== "string" || value.length <= MAX_LOG_STRING_LENGTH) continue;
    if (result === fields) result = { ...fields };
    result[name] = `${value.slice(0, MAX_LOG_STRING_LENGTH)}… (${value.length} characters)`;
  }
  return result;
}
