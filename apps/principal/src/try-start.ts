import { tryListen, type ListenPlace } from "@hawser/listener";
import type { ServiceNotice } from "@hawser/service";
import { tryJournalStore } from "@hawser/store-journal";
import type { PrincipalSettings } from "./settings.js";
import { twoPhases } from "./two-phases.js";

/**
 * Everything a start does on this machine with these settings that may fail, and undone: the store that is there is opened, and all ports and sockets are bound. The platform that
 * is to be watched is not asked: that is a request to somebody else. Where a service with this data directory runs, its ports are rightly taken, and are left alone.
 *
 * @throws HawserError as the start would
 */
export async function tryStart(settings: PrincipalSettings): Promise<readonly ServiceNotice[]> {
  const { dataDir } = settings;
  const store = await tryJournalStore(dataDir);
  if (store === "in use")
    return [
      {
        detail: `a service that runs has the data directory ${dataDir}, so neither the store nor the ports were tried`,
        fix: "that is as it should be before a restart of that service; stop it to try them too",
      },
    ];
  await tryListen(placesOf(settings));
  if (store !== "of another user") return [];
  return [
    {
      detail: `the store in ${dataDir} belongs to another user and was not opened`,
      fix: "check as the user whom the service runs as",
    },
  ];
}

function placesOf(settings: PrincipalSettings): readonly ListenPlace[] {
  const { listen, apiListen, healthListen } = settings;
  const { internal } = twoPhases(settings);
  return [
    ...(healthListen === undefined ? [] : [{ option: "health", listen: healthListen }]),
    { option: "api", listen: apiListen },
    ...(internal === undefined
      ? []
      : [{ option: "internal.listen", listen: { host: "127.0.0.1", ...internal.listen } }]),
    { option: "listen", listen },
  ];
}
