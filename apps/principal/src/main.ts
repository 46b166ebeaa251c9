import { systemClock } from "@hawser/runtime";
import { certificateNotices, everyProblem, openFilesLimit, runService } from "@hawser/service";
import { apiAccessChecks, loadApiAccess } from "./api-access.js";
import { descriptorNotices } from "./descriptor-plan.js";
import { stopLimit } from "./drain-options.js";
import { checkHeartbeats } from "./lifecycle-settings.js";
import { ownTargetOf } from "./platform-settings.js";
import { loadSecurity, securityChecks } from "./security.js";
import { createService } from "./service.js";
import { settingsShape } from "./settings.js";
import { tryStart } from "./try-start.js";
import { VERSION } from "./version.js";

await runService({
  program: "hawser-principal",
  description:
    "The control plane: keeps events for its agents and delivers them until they are acknowledged.",
  version: VERSION,
  variablePrefix: "HAWSER_PRINCIPAL_",
  shape: settingsShape,
  check: (settings) =>
    everyProblem("hawser-principal", [
      ...securityChecks(settings),
      ...apiAccessChecks(settings),
      () => checkHeartbeats(settings),
      () => ownTargetOf(settings),
    ]),
  notices: (settings) => [
    ...descriptorNotices(settings, openFilesLimit()),
    ...certificateNotices(
      [
        { setting: "--tls-cert", path: settings.tlsCert },
        { setting: "--tls-client-ca", path: settings.tlsClientCa },
        { setting: "--api-tls-cert", path: settings.apiTlsCert },
      ],
      systemClock.wallTime(),
    ),
  ],
  tryStart,
  flags: {
    "listen.host": "--listen",
    "listen.port": "--listen",
    "listen.tls": "--tls-cert",
    "api.host": "--api-listen",
    "api.port": "--api-listen",
    "api.tls": "--api-tls-cert",
    "health.host": "--health-listen",
    "health.port": "--health-listen",
    "internal.listen.host": "--internal-listen",
    "internal.listen.port": "--internal-listen",
    "internal.listen.path": "--internal-listen",
  },
  stateDirectory: ({ dataDir }) => dataDir,
  stopLimit,
  create: (settings, runtime) => {
    const access = { security: loadSecurity(settings), api: loadApiAccess(settings, runtime.logger) };
    return createService(settings, access, runtime);
  },
  readyMessage: "principal ready",
});
