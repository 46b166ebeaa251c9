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

/** What is told when it is ready. */
export interface AgentReady {
  readonly name: string;
  readonly url: string;
  readonly dataDir: string;
  readonly configFileRoot: string;
}

export interface AgentService extends Lifecycle<AgentReady> {
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

  function reload(): void {
    if (agent.credentialsChanged()) logger.info({}, "credentials changed; connecting at once");
  }

  async function stop(): Promise<void> {
    credentials.unwatch();
    await agent.stop({ graceMs: settings.stopGrace });
    await store.stop();
  }

  return {
    agent,
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
