import { systemClock } from "@hawser/runtime";
import { certificateNotices, runService } from "@hawser/service";
import { createService } from "./agent-service.js";
import { checkSettings, dataDirOf } from "./check-settings.js";
import { socketNotices } from "./event-socket/socket-settings.js";
import { settingsShape } from "./settings.js";
import { tryStart } from "./try-start.js";
import { VERSION } from "./version.js";

/** Runs the agent as a service, from its command line to its end. */
export function serve(): Promise<void> {
  return runService({
    program: "hawser-agent",
    description:
      "The remote end: makes the principal's resources real on this machine, and reports. 'hawser-agent send --help' tells how programs on this machine hand it events.",
    version: VERSION,
    variablePrefix: "HAWSER_AGENT_",
    shape: settingsShape,
    check: checkSettings,
    notices: (settings) => [
      ...certificateNotices([{ setting: "--tls-cert", path: settings.tlsCert }], systemClock.wallTime()),
      ...socketNotices(settings, dataDirOf(settings)),
    ],
    tryStart,
    stateDirectory: dataDirOf,
    stopLimit: ({ stopGrace }) => ({ withinMs: stopGrace, setting: "--stop-grace" }),
    create: createService,
    readyMessage: "agent ready",
  });
}
