import { join } from "node:path";
import {
  createEventLog,
  createSinks,
  eventLogStoreLimits,
  type EventLog,
  type Sinks,
} from "@hawser/principal-api";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { createJournalStore } from "@hawser/store-journal";
import type { PrincipalSettings } from "./settings.js";

/** The log of what agents send, in a store of its own within the data directory, and where it goes. */
export interface AgentEvents extends Lifecycle {
  readonly log: EventLog;
  readonly sinks: Sinks;
}

export function createAgentEvents(settings: PrincipalSettings, runtime: Runtime): AgentEvents {
  const { dataDir, sinksDir = join(dataDir, "sinks"), sinksAllowLocal } = settings;
  const limits = {
    maxEntries: settings.eventLogMaxEntries,
    maxBytes: settings.eventLogMaxBytes,
    maxEntriesPerAgent: settings.eventLogMaxEntriesPerAgent,
    maxBytesPerAgent: settings.eventLogMaxBytesPerAgent,
    maxAgeMs: settings.eventLogMaxAge,
  };
  const store = createJournalStore({
    directory: join(dataDir, "events"),
    runtime,
    limits: eventLogStoreLimits({ ...limits }),
  });
  const log = createEventLog({ store, runtime, limits });
  const sinks = createSinks({ log, store, runtime, directory: sinksDir, allowLocal: sinksAllowLocal });
  return {
    log,
    sinks,
    async start() {
      await log.start();
      await sinks.start();
    },
    async stop() {
      await sinks.stop();
      await log.stop();
    },
  };
}
