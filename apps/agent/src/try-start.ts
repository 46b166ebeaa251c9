import { join } from "node:path";
import { tryDirectory, type ServiceNotice } from "@hawser/service";
import { tryJournalStore } from "@hawser/store-journal";
import { dataDirOf } from "./check-settings.js";
import { tryNamedSocket } from "./event-socket/open-event-socket.js";
import { tryHealthPort } from "./health/health-server.js";
import type { AgentSettings } from "./settings.js";

/**
 * Everything a start does with these settings that may fail, and undone: the store that is there is opened, the root of ConfigFile is written to, and the health port and a socket that is named are bound, unless an agent that runs
 * may have them.
 *
 * @throws HawserError as the start would
 */
export async function tryStart(settings: AgentSettings): Promise<readonly ServiceNotice[]> {
  const { configFileRoot, healthListen } = settings;
  const dataDir = dataDirOf(settings);
  if (configFileRoot !== undefined) tryDirectory(configFileRoot, `--config-file-root ${configFileRoot}`);
  const store = await tryJournalStore(join(dataDir, "store"));
  // A service that runs has its port rightly.
  if (store !== "in use" && healthListen !== undefined) await tryHealthPort(healthListen);
  switch (store) {
    case "absent":
    case "good":
      await tryNamedSocket(settings);
      return [];
    case "in use":
      return [
        {
          detail: `an agent that runs has the data directory ${dataDir}, so neither its store nor its health port was tried`,
          fix: "that is as it should be before a restart of that agent; stop it to try them too",
        },
      ];
    case "of another user":
      return [
        {
          detail: `the store in ${dataDir} belongs to another user and was not opened`,
          fix: "check as the user whom the agent runs as",
        },
      ];
  }
}
