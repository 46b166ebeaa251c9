import { runService } from "@hawser/service";
import { createService } from "./agent-service.js";
import { checkSettings, dataDirOf } from "./check-settings.js";
import { settingsShape } from "./settings.js";
import { VERSION } from "./version.js";

await runService({
  program: "hawser-agent",
  description: "The remote end: makes the principal's resources real on this machine, and reports.",
  version: VERSION,
  variablePrefix: "HAWSER_AGENT_",
  shape: settingsShape,
  check: checkSettings,
  stateDirectory: dataDirOf,
  stopLimit: ({ stopGrace }) => ({ withinMs: stopGrace, setting: "--stop-grace" }),
  create: createService,
  readyMessage: "agent ready",
});
