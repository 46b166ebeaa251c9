import { readFileSync } from "node:fs";
import { HawserError } from "@hawser/protocol";
import { createLogger, systemRuntime } from "@hawser/runtime";
import { loadSettings } from "@hawser/settings";
import { loadSecurity } from "./security.js";
import { createService, type PrincipalService } from "./service.js";
import { settingsShape } from "./settings.js";
import { VERSION } from "./version.js";

/** The service could not run, or stopped running, for a reason outside its settings. */
const EXIT_FAILED = 1;
/** The settings are wrong: starting again without changing them is useless. */
const EXIT_BAD_SETTINGS = 2;

function fail(thrown: unknown): never {
  const error = HawserError.from(thrown);
  process.stderr.write(`${error.message}\n`);
  process.exit(error.code === "invalid_config" ? EXIT_BAD_SETTINGS : EXIT_FAILED);
}

/** First signal: every session is let go. Second: now. */
function stopOnSignals(service: PrincipalService, logger: ReturnType<typeof createLogger>): void {
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
}

try {
  const loaded = loadSettings({
    program: "hawser-principal",
    description:
      "The control plane: keeps events for its agents and delivers them until they are acknowledged.",
    version: VERSION,
    variablePrefix: "HAWSER_PRINCIPAL_",
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
    const security = loadSecurity(settings);
    if (settings.check) {
      process.stdout.write("hawser-principal: the settings are good\n");
    } else {
      const logger = createLogger({ level: settings.logLevel, base: { service: "hawser-principal" } });
      const service = createService(settings, security, systemRuntime(logger));
      stopOnSignals(service, logger);
      const serving = await service.start();
      logger.info({ ...serving }, "principal ready");
    }
  }
} catch (thrown) {
  fail(thrown);
}
