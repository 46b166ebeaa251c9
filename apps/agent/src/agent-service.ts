import { join } from "node:path";
import { createAgent, type Agent, type ResourceHandler } from "@hawser/agent";
import type { Lifecycle, Runtime } from "@hawser/runtime";
import { createLevelStore } from "@hawser/store-level";
import { pathsOf } from "./check-settings.js";
import { ConfigFileHandler } from "./config-file/config-file-handler.js";
import { Credentials } from "./credentials.js";
import { createPrincipalDialer } from "./principal-dialer.js";
import type { AgentSettings } from "./settings.js";
import { TaskHandler } from "./task/task-handler.js";
import { VERSION } from "./version.js";

/**
 * The goodbye gets a third of --stop-grace, handlers that run get a third to finish, and what is left is for the Tasks and the store. What one of them does not use is the next
 * one's.
 */
const GOODBYE_SHARE = 3;

/** What is told when it is ready. */
export interface AgentReady {
  readonly name: string;
  readonly url: string;
  readonly dataDir: string;
  readonly configFileRoot: string;
}

export interface AgentService extends Lifecycle<AgentReady> {
  /** What its stop still waits for. */
  readonly waitsFor: string | undefined;
  readonly agent: Agent;
  /** The credentials may have changed: an agent that waits because it was refused dials at once. */
  reload(): void;
}

/** Wires store, transport, handlers and agent together, and starts and stops them in the right order. */
export function createService(settings: AgentSettings, runtime: Runtime): AgentService {
  const { logger } = runtime;
  const { dataDir, configFileRoot } = pathsOf(settings);
  const stateDirectory = join(dataDir, "handlers");
  const store = createLevelStore({ directory: join(dataDir, "store"), runtime });
  const credentials = new Credentials(settings, logger);
  const tasks = settings.disableTasks
    ? undefined
    : new TaskHandler({
        runtime,
        stateDirectory,
        maxTasks: settings.taskMax,
        outputLines: settings.taskOutputLines,
        ...(settings.taskCommands === undefined ? {} : { allowedCommands: settings.taskCommands }),
      });
  const handlers: Record<string, ResourceHandler> = {
    ConfigFile: new ConfigFileHandler({ root: configFileRoot, stateDirectory }),
    ...(tasks === undefined ? {} : { Task: tasks }),
  };
  const agent = createAgent({
    name: settings.name,
    store,
    dialer: createPrincipalDialer(settings, credentials, runtime),
    handlers,
    runtime,
    window: settings.window,
    timing: {
      rotationMinMs: Math.round(settings.rotationMin),
      rotationMaxMs: Math.round(settings.rotationMax),
    },
    rotation: settings.rotation,
    reconnect: { backoffMaxMs: Math.round(settings.reconnectMax) },
    software: `hawser-agent/${VERSION}`,
  });
  let stopping: Promise<void> | undefined;
  let waitsFor: string | undefined;

  function reload(): void {
    if (agent.credentialsChanged()) logger.info({}, "credentials changed; connecting at once");
  }

  async function stop(): Promise<void> {
    credentials.unwatch();
    waitsFor = "the goodbye to the principal and the handlers";
    await agent.stop({ graceMs: settings.stopGrace / GOODBYE_SHARE });
    waitsFor = `the store in ${dataDir}`;
    await store.stop();
  }

  return {
    agent,
    get waitsFor() {
      return waitsFor;
    },
    reload,
    async start() {
      // The store first: whoever has it has the data directory, and only then may what an earlier agent left running be ended.
      await store.start();
      try {
        await tasks?.start();
        await agent.start();
      } catch (thrown) {
        await stop();
        throw thrown;
      }
      await credentials.watch(reload);
      return { name: settings.name, url: settings.url, dataDir, configFileRoot };
    },
    stop: () => (stopping ??= stop()),
  };
}
