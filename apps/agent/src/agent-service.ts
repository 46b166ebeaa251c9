import { join } from "node:path";
import { createAgent, type Agent, type ResourceHandler } from "@hawser/agent";
import type { Lifecycle, Logger, Runtime } from "@hawser/runtime";
import { FileReloader, type HostPort, type Inherited } from "@hawser/service";
import { createJournalStore } from "@hawser/store-journal";
import { dataDirOf, sendsTokenInTheClear } from "./check-settings.js";
import { ConfigFileHandler } from "./config-file/config-file-handler.js";
import { Credentials } from "./credentials.js";
import { openEventSocket, type OpenEventSocket } from "./event-socket/open-event-socket.js";
import { confinementOf, taskPolicyOf } from "./machine-settings.js";
import { createPrincipalDialer } from "./principal-dialer.js";
import { isSecure } from "./principal-url.js";
import { createAgentHealth } from "./health/agent-health.js";
import type { AgentSettings } from "./settings.js";
import { TaskHandler } from "./task/task-handler.js";
import { VERSION } from "./version.js";

/**
 * The goodbye gets a third of --stop-grace, handlers that run get a third to finish, and what is left is for the Tasks and the store. What one of them does not use is the next
 * one's.
 */
const GOODBYE_SHARE = 3;
/** Of --stop-grace: when the Tasks have ended at the latest, so that the store has the rest. */
const TASKS_SHARE = 0.85;

/** What is told when it is ready. */
export interface AgentReady {
  readonly name: string;
  readonly url: string;
  readonly dataDir: string;
  /** Absent: ConfigFile is off. */
  readonly configFileRoot?: string;
  /** The Unix socket that takes events of programs on this machine. Absent: it is off, or could not be made. */
  readonly socket?: string;
  readonly health?: HostPort;
  /** What protects the connection, and what it is known by. */
  readonly security: { readonly tls: boolean; readonly token: boolean; readonly clientCertificate: boolean };
}

export interface AgentService extends Lifecycle<AgentReady> {
  /** What its stop still waits for. */
  readonly waitsFor: string | undefined;
  readonly agent: Agent;
  /** The credentials are looked at now, and an agent that waits because it was refused dials at once. */
  reload(): Promise<void>;
}

/** Wires store, transport, handlers and agent together, and starts and stops them in the right order. */
export function createService(settings: AgentSettings, runtime: Runtime, inherited: Inherited): AgentService {
  const { logger } = runtime;
  const { configFileRoot } = settings;
  const dataDir = dataDirOf(settings);
  const stateDirectory = join(dataDir, "handlers");
  const store = createJournalStore({ directory: join(dataDir, "store"), runtime });
  const credentials = new Credentials(settings, logger);
  const taskPolicy = taskPolicyOf(settings);
  const tasks = new TaskHandler({
    runtime,
    stateDirectory,
    maxTasks: settings.taskMax,
    outputLines: settings.taskOutputLines,
    outputHistoryBytes: settings.taskOutputHistory,
    maxStopGraceMs: settings.taskMaxStopGrace,
    cgroup: settings.taskCgroup,
    confinement: confinementOf(settings, taskPolicy.policy, inherited),
  });
  // A kind that is off has its handler all the same: it refuses with what turns it on, and cleans up what it made when it was on.
  const handlers: Record<string, ResourceHandler> = {
    ConfigFile: new ConfigFileHandler({
      root: configFileRoot,
      stateDirectory,
      maxFiles: settings.configFileMax,
      maxBytes: settings.configFileMaxBytes,
      maxMode: settings.configFileMaxMode,
      drift: settings.configFileDrift,
      now: () => runtime.clock.wallTime(),
    }),
    Task: tasks,
  };
  const watched = {
    agent: () => agent,
    // An agent's store has one peer.
    pendingEvents: () =>
      store.peers({ limit: 1 }).then(
        ([own]) => own?.pending ?? 0,
        () => undefined,
      ),
  };
  const health = createAgentHealth(settings, watched, runtime);
  const agent: Agent = createAgent({
    name: settings.name,
    ...(health === undefined ? {} : { observer: health.observer }),
    store,
    dialer: createPrincipalDialer(settings, credentials, runtime),
    handlers,
    runtime,
    window: settings.window,
    windowBytes: settings.windowBytes,
    timing: {
      rotationMinMs: Math.round(settings.rotationMin),
      rotationMaxMs: Math.round(settings.rotationMax),
    },
    checkIntervalMs: settings.checkInterval === 0 ? null : Math.round(settings.checkInterval),
    reconnect: { backoffMaxMs: Math.round(settings.reconnectMax) },
    software: `hawser-agent/${VERSION}`,
  });
  const reloader = new FileReloader({
    runtime,
    groups: [...credentials.reloadable(connectIfRefused), ...taskPolicy.reloadable],
  });
  let socket: OpenEventSocket | undefined;
  let stopping: Promise<void> | undefined;
  let waitsFor: string | undefined;

  if (settings.allowClearTextToken && sendsTokenInTheClear(settings))
    logger.warn({}, `the token goes to ${settings.url} in clear text (--allow-clear-text-token)`);

  function connectIfRefused(): void {
    if (agent.credentialsChanged()) logger.info({}, "credentials changed; connecting at once");
  }

  // Whoever sends the signal may have mended something at the principal, too.
  async function reload(): Promise<void> {
    await reloader.reload("signal");
    connectIfRefused();
  }

  async function stop(): Promise<void> {
    reloader.stop();
    tasks.stopWithin(settings.stopGrace * TASKS_SHARE);
    waitsFor = "programs that hand it events";
    await socket?.stop();
    waitsFor = "the goodbye to the principal and the handlers";
    await agent.stop({ graceMs: settings.stopGrace / GOODBYE_SHARE });
    await health?.stop();
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
      warnAboutInit(settings, logger);
      const healthAddress = await health?.start();
      // The store first: whoever has it has the data directory, and only then may what an earlier agent left running be ended.
      try {
        await store.start();
        await tasks.start();
        await agent.start();
        socket = await openEventSocket(settings, dataDir, agent, runtime);
      } catch (thrown) {
        await stop();
        throw thrown;
      }
      await reloader.start();
      return {
        name: settings.name,
        url: settings.url,
        dataDir,
        ...(configFileRoot === undefined ? {} : { configFileRoot }),
        ...(socket === undefined ? {} : { socket: socket.path }),
        ...(healthAddress === undefined ? {} : { health: healthAddress }),
        security: {
          tls: isSecure(settings.url),
          token: settings.tokenFile !== undefined,
          clientCertificate: settings.tlsCert !== undefined,
        },
      };
    },
    stop: () => (stopping ??= stop()),
  };
}

/** Process 1 inherits every process whose parent is gone, and has to wait for it; Node does not. */
function warnAboutInit({ taskAllow, taskAllowAnyCommand }: AgentSettings, logger: Logger): void {
  if (process.pid !== 1 || (taskAllow === undefined && !taskAllowAnyCommand)) return;
  logger.warn(
    {},
    "this agent is process 1 and does not reap what its Tasks leave behind; run it below an init (docker run --init, compose init: true, Kubernetes shareProcessNamespace: true)",
  );
}
