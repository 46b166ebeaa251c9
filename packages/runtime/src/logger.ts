/**
 * Common fields of all log lines, so that one query finds an agent, session or event everywhere.
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

/** Structured logging: fields first, then one sentence. A pino logger fits. */
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

/** A logger that writes nothing: the default of every other part. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
