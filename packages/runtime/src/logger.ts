import { pino } from "pino";
import { printableJson } from "./printable.js";
import { COLOURED_LINES, PLAIN_LINES, readableLine } from "./readable-line.js";
import { standardOutput } from "./standard-output.js";

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

/** The longest string a log field may have; the rest is cut and says so. Keeps a hostile peer from filling the disk. */
export const MAX_LOG_STRING_LENGTH = 1024;

/** Beyond it a fraction says nothing: of a millisecond it is a microsecond. */
const DECIMALS = 1_000;

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
    formatters: { level: (label: string) => ({ level: label }), log: shortened },
  };
  const put = write ?? standardOutput().write;
  if (options.format !== "pretty") return pino(settings, { write: (line) => put(printableJson(line)) });
  const paint = options.colours === true ? COLOURED_LINES : PLAIN_LINES;
  return pino(settings, { write: (line) => put(`${readableLine(line, paint)}\n`) });
}

/**
 * What goes wrong, in lines for people on standard error: the default of an agent and of a principal that are given no runtime. The first mistake of a program is the one that it has no
 * logger for yet.
 */
export function warningLogger(): Logger {
  const write = (line: string): void => void process.stderr.write(line);
  return createLogger({ level: "warn", format: "pretty", write });
}

/** A logger that writes nothing: the default of every other part. */
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

function shortened(fields: Record<string, unknown>): Record<string, unknown> {
  let result = fields;
  for (const [name, value] of Object.entries(fields)) {
    const short = shortValue(value);
    if (short === value) continue;
    if (result === fields) result = { ...fields };
    result[name] = short;
  }
  return result;
}

function shortValue(value: unknown): unknown {
  if (typeof value === "number")
    return Number.isInteger(value) ? value : Math.round(value * DECIMALS) / DECIMALS;
  if (typeof value !== "string" || value.length <= MAX_LOG_STRING_LENGTH) return value;
  return `${value.slice(0, MAX_LOG_STRING_LENGTH)}… (${value.length} characters)`;
}
