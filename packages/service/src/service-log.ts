import { HawserError } from "@hawser/protocol";
import { defined, silentLogger, type LogFields, type Logger, type LogLevel } from "@hawser/runtime";
import { createLogger, type LogFormat } from "./create-logger.js";
import { flagName, variableName } from "./setting-names.js";
import { standardOutput } from "./standard-output.js";
import { complain } from "./standard-streams.js";

/** What `--log-format` can be; `auto` is `pretty` where standard output is a terminal, else `json`. */
export const LOG_FORMATS = ["json", "pretty", "auto"] as const;
export type AskedLogFormat = (typeof LOG_FORMATS)[number];

/** What is known of a service before its log is. */
export interface ServiceLogOptions {
  /** Name of the executable: the field `service` of every line. */
  readonly program: string;
  readonly logFormat: AskedLogFormat;
  /** For `--check`, whose result is for whoever typed it: failures are text on standard error. */
  readonly check: boolean;
}

/** Where a service says things: its log on standard output, as its settings or the terminal want it. */
export interface ServiceLog {
  logger(level: LogLevel, context?: () => LogFields): Logger;
  /** Resolves when what was logged is written. */
  drained(): Promise<void>;
  /** Says why the process ends, whatever the level of the log is; it is written when this returns. */
  tellFailure(thrown: unknown, fields?: LogFields): void;
}

/**
 * The log of a service. What ends the process is a line of it like any other, so that whoever reads the log of a fleet finds it there; somebody at a terminal whose log goes elsewhere is told as well.
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
 * How a service whose settings cannot be read tells that, as far as its command line and its environment say so: nothing else is known of it.
 *
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
