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

/** What a service is given by whoever started its process. */
export interface Inherited {
  /** The umask before `runService` set its own (077, for the state), for what the service makes on behalf of others. */
  readonly umask: number;
}

/** How long a service that cannot start waits for whoever reads its log. */
const LOG_PATIENCE_MS = 1_000;

/** What `runService` runs: its name, its settings, and how to make it from them. */
export interface ServiceProgram<Shape extends SettingsShape & typeof serviceSettings>
  extends ProgramSettings<Shape> {
  /** Everything that can be said of the settings before anything is started. @throws HawserError `invalid_config` */
  readonly check: (settings: SettingsOf<Shape>) => void;
  /** What whoever runs it should know of these settings on this machine: warned of at start and once a day, and told by `--check`. It must not throw. */
  readonly notices?: (settings: SettingsOf<Shape>) => readonly ServiceNotice[];
  /**
   * For `--check`: does what a start does and may fail at (bind ports, open what is on disk), and undoes it. Answers what is worth a word.
   *
   * @throws HawserError as the start would
   */
  readonly tryStart?: (settings: SettingsOf<Shape>) => Promise<readonly ServiceNotice[]>;
  /** By the names that messages of the library have for its options: the flags that set them here. Whoever runs a service knows its flags. @default none */
  readonly flags?: Readonly<Record<string, string>>;
  /** Where its state is: made for its own user alone, and warned about where others can read it or another machine holds it. */
  readonly stateDirectory: (settings: SettingsOf<Shape>) => string;
  readonly create: (settings: SettingsOf<Shape>, runtime: Runtime, inherited: Inherited) => Service;
  /** How long a stop may take at most, and the setting that says so; then the process ends and says what was left. */
  readonly stopLimit: (settings: SettingsOf<Shape>) => StopLimit;
  /** The log line that says it serves. */
  readonly readyMessage: string;
}

/**
 * Runs a service from its command line to its end, which is the end of the process.
 *
 * SIGTERM or SIGINT stops it cleanly, a second one at once; SIGHUP reloads. A failure is an error line of its log: the code and what to do; of `--check` it is text on standard error. A stop that takes longer
 * than `stopLimit` ends the process with code 1 and a line that says what was left, whatever hangs; a start that was not through has no longer than 2 s for it. A service manager that wants to be told
 * (`NOTIFY_SOCKET`, as systemd's `Type=notify` does) is told when it serves, reloads and stops, and gets its signs of life.
 *
 * What the service writes is for its own user alone: the umask is 077 from here on.
 *
 * When an OpenTelemetry SDK was loaded first and has registered its tracer provider, the service makes spans and its log lines say in which; otherwise none of that is there.
 */
export async function runService<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
): Promise<void> {
  const args = process.argv.slice(2);
  const { env } = process;
  // How it is to tell what is wrong with its settings, it cannot know of them.
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
    // What led to it comes before it.
    await Promise.race([log.drained(), pause(systemTimers, LOG_PATIENCE_MS)]);
    log.tellFailure(error);
    process.exit(exitCodeOf(error));
  }
}

// The compiler cannot see these in a shape it knows only by its bound.
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

/** Everything that a start does before it serves, undone; nothing stays. What is wrong is told all at once, and nothing is opened in a directory that cannot be had. */
async function checkStart<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
  settings: SettingsOf<Shape>,
  readyFile: string | undefined,
  log: ServiceLog,
): Promise<void> {
  // As at a start: a store that is opened for a look writes files of its own.
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

/** Node takes no certificate for wrong while this variable is 0; here it counts for nothing, whoever set it. */
function verifyCertificates(logger: Logger): void {
  if (process.env["NODE_TLS_REJECT_UNAUTHORIZED"] !== "0") return;
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  logger.warn({}, "NODE_TLS_REJECT_UNAUTHORIZED=0 is ignored: certificates are always verified");
}

/**
 * The last line of defence: what nobody caught has left the process in a state that nobody knows, so it ends, and says by what. Whoever supervises it starts it again,
 * and what was accepted is on disk.
 */
function endOnUncaught(program: string, log: ServiceLog, { timers }: Runtime): void {
  let isEnding = false;
  process.on("uncaughtException", (err, origin) => {
    // What follows from the first one has nothing to add.
    if (isEnding) return;
    isEnding = true;
    const message = `${program} ends by an error that nobody caught: ${HawserError.from(err).message}`;
    log.tellFailure(new HawserError("internal", message), { err, origin });
    leave(SERVICE_EXIT_CODES.failed, timers);
  });
}
