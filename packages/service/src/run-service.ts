import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { HawserError } from "@hawser/protocol";
import { createLogger, systemRuntime, type Lifecycle, type Logger, type Runtime } from "@hawser/runtime";
import { createTelemetry, isTracingRegistered, traceLogFields, type Telemetry } from "@hawser/telemetry";
import { z } from "zod";
import { watchDescriptors } from "./descriptor-watch.js";
import { leave, leaveAtOnce } from "./leave.js";
import { inFlags } from "./in-flags.js";
import { loadSettings } from "./load-settings.js";
import { repeatNotices, type ServiceNotice } from "./notices.js";
import { writeReadyFile } from "./ready-file.js";
import { serviceSettings } from "./service-settings.js";
import type { SettingsOf, SettingsShape } from "./setting.js";
import { complain, tell } from "./standard-streams.js";
import { makeStateDirectory, stateDirectoryProblems } from "./state-directory.js";
import { tryDirectory } from "./try-start.js";

/** What the exit code of a service says. */
export const SERVICE_EXIT_CODES = {
  /** Stopped as asked. */
  stopped: 0,
  /** Could not run, or not go on, for a reason outside its settings. */
  failed: 1,
  /** The settings are wrong: starting again without changing them is useless. */
  badSettings: 2,
} as const;

/** A service that runs. `start` answers what is worth telling whoever waits: names, addresses. */
export interface Service extends Lifecycle<object> {
  /** What its stop still waits for, in words that end "it still waits for ..."; asked when the stop takes too long. */
  readonly waitsFor?: string | undefined;
  /** SIGHUP: files that may have changed are read again. */
  reload?(): void;
}

/** The end of a service's patience with its own stop. */
export interface StopLimit {
  readonly withinMs: number;
  /** The flag that changes it, such as `--stop-grace`. */
  readonly setting: string;
}

/** What a service is given by whoever started its process. */
export interface Inherited {
  /** The umask before `runService` set its own (077, for the state), for what the service makes on behalf of others. */
  readonly umask: number;
}

/** What `runService` runs: its name, its settings, and how to make it from them. */
export interface ServiceProgram<Shape extends SettingsShape & typeof serviceSettings> {
  /** Name of the executable, and of the service in its log. */
  readonly program: string;
  readonly description: string;
  readonly version: string;
  /** e.g. `HAWSER_AGENT_` */
  readonly variablePrefix: string;
  readonly shape: Shape;
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
 * SIGTERM or SIGINT stops it cleanly, a second one at once; SIGHUP reloads. A failure is one line on standard error: the error code and what to do. A stop that takes longer than
 * `stopLimit` ends the process with code 1 and one line that says what was left, whatever hangs.
 *
 * What the service writes is for its own user alone: the umask is 077 from here on.
 *
 * When an OpenTelemetry SDK was loaded first and has registered its tracer provider, the service makes spans and its log lines say in which; otherwise none of that is there.
 */
export async function runService<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
): Promise<void> {
  try {
    const loaded = loadSettings({
      ...program,
      args: process.argv.slice(2),
      env: process.env,
      readFile: (path) => readFileSync(path, "utf8"),
      epilogue: "\nExit codes: 0 stopped as asked, 1 could not run, 2 wrong settings.",
    });
    if (loaded.kind === "text") tell(loaded.text);
    else await serve(program, loaded.settings);
  } catch (thrown) {
    process.exit(report(inFlags(thrown, program.flags)));
  }
}

// The compiler cannot see these three in a shape it knows only by its bound.
const commonSettings = z.object({
  check: serviceSettings.check.schema,
  logLevel: serviceSettings.logLevel.schema,
  readyFile: serviceSettings.readyFile.schema,
});

async function serve<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
  settings: SettingsOf<Shape>,
): Promise<void> {
  const { check, logLevel, readyFile } = commonSettings.parse(settings);
  program.check(settings);
  const stateDirectory = program.stateDirectory(settings);
  if (check) return checkStart(program, settings, readyFile);
  const isTraced = isTracingRegistered();
  const logger = createLogger({
    level: logLevel,
    base: { service: program.program },
    ...(isTraced ? { context: traceLogFields } : {}),
  });
  verifyCertificates(logger);
  const inherited = { umask: process.umask(0o077) };
  makeStateDirectory(stateDirectory);
  for (const { detail, fix } of noticesOf(program, settings)) logger.warn({ fix }, detail);
  const runtime = systemRuntime(logger);
  endOnUncaught(program.program, runtime);
  watchDescriptors(runtime);
  const telemetry = isTraced ? createTelemetry({ runtime }) : undefined;
  const service = program.create(settings, runtime, inherited);
  const limit = program.stopLimit(settings);
  listenToSignals({ program: program.program, service, telemetry, runtime, limit });
  await telemetry?.start();
  const facts = await service.start();
  if (readyFile !== undefined) writeReadyFile(readyFile, facts);
  logger.info({ pid: process.pid, ...facts, ...(isTraced ? { tracing: true } : {}) }, program.readyMessage);
  repeatNotices(() => program.notices?.(settings) ?? [], runtime);
}

/** Everything that a start does before it serves, undone; nothing stays. */
async function checkStart<Shape extends SettingsShape & typeof serviceSettings>(
  program: ServiceProgram<Shape>,
  settings: SettingsOf<Shape>,
  readyFile: string | undefined,
): Promise<void> {
  // As at a start: a store that is opened for a look writes files of its own.
  process.umask(0o077);
  const stateDirectory = program.stateDirectory(settings);
  tryDirectory(stateDirectory, `the data directory ${stateDirectory}`);
  if (readyFile !== undefined) tryDirectory(dirname(readyFile), `the directory of --ready-file ${readyFile}`);
  const tried = (await program.tryStart?.(settings)) ?? [];
  for (const { detail, fix } of [...noticesOf(program, settings), ...tried])
    complain(`warning: ${detail}; ${fix}`);
  tell(`${program.program}: the settings are good`);
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

interface Stoppable {
  readonly program: string;
  readonly service: Service;
  readonly telemetry: Telemetry | undefined;
  readonly runtime: Runtime;
  readonly limit: StopLimit;
}

function listenToSignals({ program, service, telemetry, runtime, limit }: Stoppable): void {
  let asked = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (asked) {
        leave(SERVICE_EXIT_CODES.failed, runtime.timers);
        return;
      }
      asked = true;
      runtime.logger.info({ signal }, "stopping; a second signal ends at once");
      runtime.timers.after(limit.withinMs, () => {
        const left = service.waitsFor === undefined ? "" : `; it still waits for ${service.waitsFor}`;
        const message = `${program} did not stop within ${limit.withinMs} ms (${limit.setting})${left}`;
        complain(`timeout: ${message}`);
        leaveAtOnce(SERVICE_EXIT_CODES.failed);
      });
      const stopped = service.stop().then(() => telemetry?.stop());
      stopped.then(
        () => leave(SERVICE_EXIT_CODES.stopped, runtime.timers),
        (thrown: unknown) => leave(report(thrown), runtime.timers),
      );
    });
  }
  process.on("SIGHUP", () => service.reload?.());
}

/**
 * The last line of defence: what nobody caught has left the process in a state that nobody knows, so it ends, and says by what. Whoever supervises it starts it again,
 * and what was accepted is on disk.
 */
function endOnUncaught(program: string, { logger, timers }: Runtime): void {
  let isEnding = false;
  process.on("uncaughtException", (thrown, origin) => {
    // What follows from the first one has nothing to add.
    if (isEnding) return;
    isEnding = true;
    logger.error({ err: thrown, origin }, "an error that nobody caught: the process ends");
    complain(`internal: ${program} ends by an error that nobody caught: ${HawserError.from(thrown).message}`);
    leave(SERVICE_EXIT_CODES.failed, timers);
  });
}

/** One line for whoever started it; answers the exit code. */
function report(thrown: unknown): number {
  const { code, message } = HawserError.from(thrown);
  complain(`${code}: ${message}`);
  return code === "invalid_config" ? SERVICE_EXIT_CODES.badSettings : SERVICE_EXIT_CODES.failed;
}
