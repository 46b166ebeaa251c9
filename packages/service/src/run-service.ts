import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import { pause, systemRuntime, systemTimers, type Logger, type Runtime } from "@hawser/runtime";
import { createTelemetry, isTracingRegistered, traceLogFields } from "@hawser/telemetry";
import { z } from "zod";
import { watchDescriptors } from "./descriptor-watch.js";
import { exitCodeOf, SERVICE_EXIT_CODES } from "./exit-codes.js";
import { inFlags } from "./in-flags.js";
import { leave } from "./leave.js";
import { loadSettings, type ProgramSettings } from "./load-settings.js";
import { repeatNotices, type ServiceNotice } from "./notices.js";
import { writeReadyFile } from "./ready-file.js";
import { ServiceLife, type Service, type StopLimit } from "./service-life.js";
import { askedOfLog, createServiceLog, type ServiceLog } from "./service-log.js";
import { serviceManagerOf } from "./service-manager.js";
import { serviceSettings } from "./service-settings.js";
import type { SettingsOf, SettingsShape } from "./setting.js";
import { complain, tell } from "./standard-streams.js";
import { makeStateDirectory, stateDirectoryProblems } from "./state-directory.js";
import { tryDirectory } from "./try-start.js";

/** What a service inherits from its parent process. */
export interface Inherited {
  /** The umask before `runService` set its own (077, for the state). */
  readonly umask: number;
}

/** Milliseconds that a failed start waits for the reader of its log. */
const LOG_PATIENCE_MS = 1_000;

/** A program for `runService`: its name, its settings, and how to create the service. */
export interface ServiceProgram<Shape extends SettingsShape & typeof serviceSettings>
  extends ProgramSettings<Shape> {
  /** Checks the settings before anything starts. @throws HawserError `invalid_config` */
  readonly check: (settings: SettingsOf<Shape>) => void;
  /** Warnings about the settings, at start, daily and by `--check`. Must not throw. */
  readonly notices?: (settings: SettingsOf<Shape>) => readonly ServiceNotice[];
  /**
   * For `--check`: tries the parts of a start that may fail (ports, files), undoes them, and
   * returns notices.
   * @throws HawserError as the start would
   */
  readonly tryStart?: (settings: SettingsOf<Shape>) => Promise<readonly ServiceNotice[]>;
  /** The flags for the option names in the library's messages. @default none */
  readonly flags?: Readonly<Record<string, string>>;
  /** The state directory: made for its own user; open or networked ones are warned about. */
  readonly stateDirectory: (settings: SettingsOf<Shape>) => string;
  readonly create: (settings: SettingsOf<Shape>, runtime: Runtime, inherited: Inherited) => Service;
  /** Limit of a stop, and its setting. Beyond it the process ends and reports what was left. */
  readonly stopLimit: (settings: SettingsOf<Shape>) => StopLimit;
  /** Log message of a completed start. */
  readonly readyMessage: string;
}

/**
 * Runs a service from its command line to the end of the process.
 *
 * - SIGTERM or SIGINT stops it cleanly, a second one at once; SIGHUP reloads.
 * - A failure is an error line of the log with code and advice; `--check` writes to standard
 *   error.
 * - A stop beyond `stopLimit` (2 s during a start) ends with code 1 and reports what was left.
 * - A manager with `NOTIFY_SOCKET` (systemd's `Type=notify`) is notified and gets watchdog signs.
 * - The umask is 077, because the service writes for its own user alone.
 * - Spans and trace ids in the log require an OpenTelemetry SDK that was loaded first.
 */
export async function runService<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
): Promise<void> {
  const args = process.argv.slice(2);
  const { env } = process;
  // Invalid settings cannot say how to report them.
  let log = createServiceLog({ ...program, ...askedOfLog(args, env, program.variablePrefix) });
  try {
    const loaded = loadSettings({
      ...program,
      args,
      env,
      readFile: (path) => readFileSync(path, "utf8"),
      epilogue: "\nExit codes: 0 stopped as asked, 1 could not run, 2 wrong settings.",
      checkTogether: (settings) => {
        try {
          program.check(settings);
        } catch (thrown) {
          throw inFlags(thrown, program.flags);
        }
      },
    });
    if (loaded.kind === "text") return tell(loaded.text);
    const common = commonSettings.parse(loaded.settings);
    log = createServiceLog({ ...program, ...common });
    await serve(program, loaded.settings, common, log);
  } catch (thrown) {
    const error = inFlags(thrown, program.flags);
    // The earlier lines come first.
    await Promise.race([log.drained(), pause(systemTimers, LOG_PATIENCE_MS)]);
    log.tellFailure(error);
    process.exit(exitCodeOf(error));
  }
}

// The compiler knows the shape only by its bound.
const commonSettings = z.object({
  check: serviceSettings.check.schema,
  logLevel: serviceSettings.logLevel.schema,
  logFormat: serviceSettings.logFormat.schema,
  readyFile: serviceSettings.readyFile.schema,
});

async function serve<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
  settings: SettingsOf<Shape>,
  { check, logLevel, readyFile }: z.infer<typeof commonSettings>,
  log: ServiceLog,
): Promise<void> {
  if (check) return checkStart(program, settings, readyFile, log);
  program.check(settings);
  const isTraced = isTracingRegistered();
  const logger = log.logger(logLevel, isTraced ? traceLogFields : undefined);
  verifyCertificates(logger);
  const inherited = { umask: process.umask(0o077) };
  makeStateDirectory(program.stateDirectory(settings));
  for (const { detail, fix } of noticesOf(program, settings)) logger.warn({ fix }, detail);
  const runtime = systemRuntime(logger);
  endOnUncaught(program.program, log, runtime);
  watchDescriptors(runtime);
  const telemetry = isTraced ? createTelemetry({ runtime }) : undefined;
  const service = program.create(settings, runtime, inherited);
  const manager = serviceManagerOf(process.env, `${program.program} ${program.version}`, runtime);
  const limit = program.stopLimit(settings);
  const life = new ServiceLife({
    program: program.program,
    service,
    telemetry,
    runtime,
    limit,
    log,
    manager,
  });
  await telemetry?.start();
  const facts = await life.start();
  const { version, readyMessage } = program;
  if (readyFile !== undefined) writeReadyFile(readyFile, { version, ...facts });
  const fields = { pid: process.pid, version, ...facts, ...(isTraced ? { tracing: true } : {}) };
  logger.info(fields, readyMessage);
  manager.ready();
  repeatNotices(() => program.notices?.(settings) ?? [], runtime);
}

/**
 * Does and undoes all steps of a start. It reports all problems at once, and opens nothing in a
 * directory that is not writable.
 */
async function checkStart<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
  settings: SettingsOf<Shape>,
  readyFile: string | undefined,
  log: ServiceLog,
): Promise<void> {
  // As at a start: opening a store writes files.
  process.umask(0o077);
  const failures: HawserError[] = [];
  const attempt = async <T>(step: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (thrown) {
      failures.push(inFlags(thrown, program.flags));
      return undefined;
    }
  };
  const stateDirectory = program.stateDirectory(settings);
  await attempt(() => program.check(settings));
  const isThere = await attempt(() => {
    tryDirectory(stateDirectory, `the data directory ${stateDirectory}`);
    return true;
  });
  if (readyFile !== undefined)
    await attempt(() => tryDirectory(dirname(readyFile), `the directory of --ready-file ${readyFile}`));
  const tried = isThere === true ? await attempt(() => program.tryStart?.(settings)) : undefined;
  for (const { detail, fix } of [...noticesOf(program, settings), ...(tried ?? [])])
    complain(`warning: ${detail}; ${fix}`);
  for (const failure of failures) log.tellFailure(failure);
  if (failures.length === 0) return tell(`${program.program}: the settings are good`);
  process.exit(Math.max(...failures.map(exitCodeOf)));
}

function noticesOf<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
  settings: SettingsOf<Shape>,
): readonly ServiceNotice[] {
  return [
    ...stateDirectoryProblems(program.stateDirectory(settings)),
    ...(program.notices?.(settings) ?? []),
  ];
}

/** Node would accept any certificate while this variable is 0. */
function verifyCertificates(logger: Logger): void {
  if (process.env["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  logger.warn({}, "NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored: certificates are always verified");
}

/**
 * After an uncaught error the state is unknown, so the process ends with a reason. Its supervisor
 * restarts it, and accepted events are on disk.
 */
function endOnUncaught(program: string, log: ServiceLog, { timers }: Runtime): void {
  let isEnding = false;
  process.on("uncaughtException", (err, origin) => {
    // Later errors follow from the first one.
    if (isEnding) return;
    isEnding = true;
    const message = `${program} ends by an error that nobody caught: ${HawserError.from(err).message}`;
    log.tellFailure(new HawserError("internal", message), { err, origin });
    leave(SERVICE_EXIT_CODES.failed, timers);
  });
}
