import { readFileSync } from "node:fs";
import { HawserError } from "@hawser/protocol";
import { createLogger, systemRuntime, type Lifecycle, type Logger, type Runtime } from "@hawser/runtime";
import { createTelemetry, isTracingRegistered, traceLogFields, type Telemetry } from "@hawser/telemetry";
import { z } from "zod";
import { loadSettings } from "./load-settings.js";
import { writeReadyFile } from "./ready-file.js";
import { serviceSettings } from "./service-settings.js";
import type { SettingsOf, SettingsShape } from "./setting.js";

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
  /** SIGHUP: files that may have changed are read again. */
  reload?(): void;
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
  readonly create: (settings: SettingsOf<Shape>, runtime: Runtime) => Service;
  /** The log line that says it serves. */
  readonly readyMessage: string;
}

/**
 * Runs a service from its command line to its end, which is the end of the process.
 *
 * SIGTERM or SIGINT stops it cleanly, a second one at once; SIGHUP reloads. A failure is one line on standard error: the error code and what to do.
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
    if (loaded.kind === "text") process.stdout.write(`${loaded.text}\n`);
    else await serve(program, loaded.settings);
  } catch (thrown) {
    fail(thrown);
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
  if (check) {
    process.stdout.write(`${program.program}: the settings are good\n`);
    return;
  }
  const isTraced = isTracingRegistered();
  const logger = createLogger({
    level: logLevel,
    base: { service: program.program },
    ...(isTraced ? { context: traceLogFields } : {}),
  });
  const runtime = systemRuntime(logger);
  const telemetry = isTraced ? createTelemetry({ runtime }) : undefined;
  const service = program.create(settings, runtime);
  listenToSignals(service, telemetry, logger);
  await telemetry?.start();
  const facts = await service.start();
  if (readyFile !== undefined) writeReadyFile(readyFile, facts);
  logger.info({ pid: process.pid, ...facts, ...(isTraced ? { tracing: true } : {}) }, program.readyMessage);
}

function listenToSignals(service: Service, telemetry: Telemetry | undefined, logger: Logger): void {
  let asked = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (asked) process.exit(SERVICE_EXIT_CODES.failed);
      asked = true;
      logger.info({ signal }, "stopping; a second signal ends at once");
      const stopped = service.stop().then(() => telemetry?.stop());
      stopped.then(
        () => process.exit(SERVICE_EXIT_CODES.stopped),
        (thrown: unknown) => fail(thrown),
      );
    });
  }
  process.on("SIGHUP", () => service.reload?.());
}

function fail(thrown: unknown): never {
  const { code, message } = HawserError.from(thrown);
  process.stderr.write(`${code}: ${message}\n`);
  process.exit(code === "invalid_config" ? SERVICE_EXIT_CODES.badSettings : SERVICE_EXIT_CODES.failed);
}
