import { HawserError } from "@hawser/protocol";
import { defined, silentLogger, type LogFields, type Logger, type LogLevel } from "@hawser/runtime";
import { createLogger, type LogFormat } from "./create-logger.js";
import { flagName, variableName } from "./setting-names.js";
import { standardOutput } from "./standard-output.js";
import { complain } from "./standard-streams.js";

/** Values of `--log-format`; `auto` is `pretty` on a terminal, else `json`. */
export const LOG_FORMATS = ["json", "pretty", "auto"] as const;
export type AskedLogFormat = (typeof LOG_FORMATS)[number];

/** Facts known before the log exists. */
export interface ServiceLogOptions {
  /** Name of the executable: the field `service`. */
  readonly program: string;
  readonly logFormat: AskedLogFormat;
  /** For `--check`, which reports failures as text on standard error. */
  readonly check: boolean;
}

/** A service's log on standard output. */
export interface ServiceLog {
  logger(level: LogLevel, context?: () => LogFields): Logger;
  /** Resolves when all lines are written. */
  drained(): Promise<void>;
  /** Logs synchronously why the process ends, at any level. */
  tellFailure(thrown: unknown, fields?: LogFields): void;
}

/**
 * The log of a service. The end of the process is a log line, so that readers of a fleet's log find
 * it. A user at a terminal whose log goes elsewhere gets it on standard error too.
 */
export function createServiceLog({ program, logFormat, check }: ServiceLogOptions): ServiceLog {
  const format = formatOf(logFormat);
  const { NO_COLOR = "", TERM } = process.env;
  const colours = process.stdout.isTTY && NO_COLOR === "" && TERM !== "dumb";
  let logger = silentLogger;
  const output = standardOutput((lines) =>
    logger.warn({ lines }, "lines of this log were dropped while nobody read it or its disk was full"),
  );
  const common = { format, colours, base: { service: program } };
  return {
    logger: (level, context) =>
      (logger = createLogger({ ...common, level, write: output.write, ...defined({ context }) })),
    drained: output.drained,
    tellFailure(thrown, fields = {}) {
      const { code, message } = HawserError.from(thrown);
      const last = createLogger({ ...common, level: "error", write: output.writeNow });
      if (!check) last.error({ code, ...fields }, message);
      if (check || (process.stderr.isTTY && !process.stdout.isTTY)) complain(`${code}: ${message}`);
    },
  };
}

function formatOf(asked: AskedLogFormat): LogFormat {
  if (asked !== "auto") return asked;
  return process.stdout.isTTY ? "pretty" : "json";
}

/**
 * The log options of the command line and the environment, for settings that cannot be read.
 * @param variablePrefix e.g. `HAWSER_AGENT_`
 */
export function askedOfLog(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  variablePrefix: string,
): Pick<ServiceLogOptions, "logFormat" | "check"> {
  const flag = `--${flagName("logFormat")}`;
  const at = args.lastIndexOf(flag);
  const given =
    args.findLast((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1) ??
    (at < 0 ? env[variableName(variablePrefix, "logFormat")] : args[at + 1]);
  return {
    logFormat: LOG_FORMATS.find((format) => format === given) ?? "auto",
    check: args.includes("--check") || env[variableName(variablePrefix, "check")] === "true",
  };
}
