import { systemClock } from "@hawser/runtime";
import { certificateNotices, runService } from "@hawser/service";
import { createService } from "./agent-service.js";
import { checkSettings, dataDirOf } from "./check-settings.js";
import { settingsShape } from "./settings.js";
import { tryStart } from "./try-start.js";
import { VERSION } from "./version.js";

await runService({
  program: "hawser-agent",
  description: "The remote end: makes the principal's resources real on this machine, and reports.",
  version: VERSION,
  variablePrefix: "HAWSER_AGENT_",
  shape: settingsShape,
  check: checkSettings,
  notices: ({ tlsCert }) =>
    certificateNotices([{ setting: "--tls-cert", path: tlsCert }], systemClock.wallTime()),
  tryStart,
  stateDirectory: dataDirOf,
  stopLimit: ({ stopGrace }) => ({ withinMs: stopGrace, setting: "--stop-grace" }),
  create: createService,
  readyMessage: "agent ready",
});
