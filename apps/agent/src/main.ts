import { readFileSync } from "node:fs";
import { HawserError } from "@hawser/protocol";
import { createLogger, systemRuntime, type Logger } from "@hawser/runtime";
import { loadSettings } from "@hawser/settings";
import { createService, type AgentService } from "./agent-service.js";
import { checkSettings, pathsOf } from "./check-settings.js";
import { settingsShape } from "./settings.js";
import { VERSION } from "./version.js";

/** The service could not run, or stopped running, for a reason outside its settings. */
const EXIT_FAILED = 1;
/** The settings are wrong: starting again without changing them is useless. */
const EXIT_BAD_SETTINGS = 2;

function fail(thrown: unknown): never {
  const error = HawserError.from(thrown);
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exit(error.code === "invalid_config" ? EXIT_BAD_SETTINGS : EXIT_FAILED);
}

/** SIGTERM or SIGINT: goodbye, then the end. A second one: now. SIGHUP: look at the credentials again. */
function listenToSignals(service: AgentService, logger: Logger): void {
  let asked = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (asked) process.exit(EXIT_FAILED);
      asked = true;
      logger.info({ signal }, "stopping; a second signal ends at once");
      service.stop().then(
        () => process.exit(0),
        (thrown: unknown) => fail(thrown),
      );
    });
  }
  process.on("SIGHUP", () => service.reload());
}

try {
  const loaded = loadSettings({
    program: "hawser-agent",
    description: "The remote end: makes the principal's resources real on this machine, and reports.",
    version: VERSION,
    variablePrefix: "HAWSER_AGENT_",
    shape: settingsShape,
    args: process.argv.slice(2),
    env: process.env,
    readFile: (path) => readFileSync(path, "utf8"),
    epilogue: "\nExit codes: 0 stopped as asked, 1 could not run, 2 wrong settings.",
  });
  if (loaded.kind === "text") {
    process.stdout.write(`${loaded.text}\n`);
  } else {
    const { settings } = loaded;
    checkSettings(settings);
    if (settings.check) {
      process.stdout.write("hawser-agent: the settings are good\n");
    } else {
      const logger = createLogger({ level: settings.logLevel, base: { service: "hawser-agent" } });
      const service = createService(settings, systemRuntime(logger));
      listenToSignals(service, logger);
      await service.start();
      const { name, url } = settings;
      logger.info({ agent: name, url, pid: process.pid, ...pathsOf(settings) }, "agent ready");
    }
  }
} catch (thrown) {
  fail(thrown);
}
